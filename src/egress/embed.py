"""Writes a file's bytes as a C array: embed.py FILE NAME > HEADER."""
import sys

data = open(sys.argv[1], "rb").read()
print("/* Made by embed.py. */")
print(f"static const unsigned char {sys.argv[2]}[] __attribute__((aligned(8))) = {{")
for at in range(0, len(data), 16):
    print("    " + ", ".join(f"0x{byte:02x}" for byte in data[at:at + 16]) + ",")
print("};")
