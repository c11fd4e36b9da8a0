/* notify.h: telling systemd how we are (sd_notify(3)'s protocol, without its library). */
#ifndef ECLUSE_NOTIFY_H
#define ECLUSE_NOTIFY_H

/* "READY=1", "WATCHDOG=1", "STOPPING=1": a datagram to NOTIFY_SOCKET; nothing when there is none.
 * Never waits. */
void notify_systemd(const char *words);

#endif
