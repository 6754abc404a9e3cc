/*
 * Comes before everything else that the plugin is compiled from: what its Java code takes for granted of the C library, and what happens when
 * there is no memory, which no Java code can tell any more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "64 bit");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little endian");
_Static_assert(POLLIN == 1 && POLLOUT == 4, "poll(2)");
_Static_assert(AF_UNIX == 1 && SOCK_STREAM == 1 && SOCK_CLOEXEC == 02000000, "socket(2)");
_Static_assert(SOL_SOCKET == 1 && SO_SNDTIMEO == 21 && SO_PEERCRED == 17, "socket(7)");
_Static_assert(MSG_NOSIGNAL == 0x4000 && MSG_DONTWAIT == 0x40, "send(2)");
_Static_assert(O_WRONLY == 1 && O_CREAT == 0100 && O_APPEND == 02000 && O_NONBLOCK == 04000 && O_CLOEXEC == 02000000, "open(2)");
_Static_assert(F_DUPFD_CLOEXEC == 1030 && SEEK_END == 2, "fcntl(2), lseek(2)");
_Static_assert(SIGPIPE == 13 && SIGXFSZ == 25, "signal(7)");
_Static_assert(sizeof(struct ucred) == 12 && sizeof(struct pollfd) == 8 && sizeof(struct timeval) == 16, "layouts");
_Static_assert(sizeof(((struct sockaddr_un *) 0)->sun_path) == 108, "unix(7)");

/* The answer of a plugin that cannot even start: the runtime is to try again (CNI specification 1.1, section 5, code 11). */
static void meshcni_no_memory(void) {
    static const char error[] = "{\"cniVersion\":\"1.1.0\",\"code\":11,\"msg\":\"the plugin has no memory\",\"details\":"
                                "\"look at the memory of the node, and at the limits of the container runtime\"}";
    ssize_t written = write(1, error, sizeof error - 1);
    (void) written;
    _exit(1);
}

static inline void *meshcni_map(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    void *memory = mmap(address, length, protection, flags, file, offset);
    if (memory == MAP_FAILED) {
        meshcni_no_memory();
    }
    return memory;
}

static inline void *meshcni_allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        meshcni_no_memory();
    }
    return memory;
}

#define mmap meshcni_map
#define malloc meshcni_allocate
#define abort meshcni_no_memory
