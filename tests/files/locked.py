"""A file whose lock somebody holds for as long as a test likes.

He writes one byte from a page that is not there: root's userfaultfd(2) stands for the FUSE file that
anybody may map, and whose server never answers.
"""

import ctypes
import fcntl
import mmap
import os
import select
import struct
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.pwrite.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
SYS_USERFAULTFD, UFFD_API = 323, 0xAA
UFFDIO_API, UFFDIO_REGISTER, UFFDIO_COPY = 0xC018AA3F, 0xC020AA00, 0xC028AA03
MODE_MISSING = 1


class Lock:
    def __init__(self, path):
        self.faults = LIBC.syscall(SYS_USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
        assert self.faults >= 0, os.strerror(ctypes.get_errno())
        fcntl.ioctl(self.faults, UFFDIO_API, struct.pack("QQQ", UFFD_API, 0, 0))
        self.page = LIBC.mmap(None, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE,
                              mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        fcntl.ioctl(self.faults, UFFDIO_REGISTER,
                    struct.pack("QQQQ", self.page, mmap.PAGESIZE, MODE_MISSING, 0))
        self.file = os.open(path, os.O_RDWR)
        self.first = os.pread(self.file, 1, 0)
        self.writer = threading.Thread(target=LIBC.pwrite, args=(self.file, self.page, 1, 0))
        self.writer.start()
        assert select.select([self.faults], [], [], 5)[0], "nobody writes"

    def free(self):
        page = ctypes.create_string_buffer(self.first, mmap.PAGESIZE)
        fcntl.ioctl(self.faults, UFFDIO_COPY,
                    struct.pack("QQQQq", self.page, ctypes.addressof(page), mmap.PAGESIZE, 0, 0))
        self.writer.join()
        LIBC.munmap(self.page, mmap.PAGESIZE)
        os.close(self.file)
        os.close(self.faults)
