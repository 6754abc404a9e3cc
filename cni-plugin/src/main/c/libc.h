/*
 * Comes before everything else that the plugin is compiled from: what its Java code takes for granted of the C
 * library, and what happens when there is no memory, which no Java code can tell any more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "64 bit");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little endian");
_Static_assert(POLLIN == 1 && POLLOUT == 4, "poll(2)");
_Static_assert(AF_UNIX == 1 && SOCK_STREAM == 1 && SOCK_CLOEXEC == 02000000, "socket(2)");
_Static_assert(SOL_SOCKET == 1 && SO_SNDTIMEO == 21 && SO_PEERCRED == 17, "socket(7)");
_Static_assert(MSG_NOSIGNAL == 0x4000 && MSG_DONTWAIT == 0x40, "send(2)");
_Static_assert(O_WRONLY == 1 && O_CREAT == 0100 && O_APPEND == 02000, "open(2)");
_Static_assert(O_NONBLOCK == 04000 && O_CLOEXEC == 02000000, "open(2)");
_Static_assert(F_DUPFD_CLOEXEC == 1030 && SEEK_END == 2, "fcntl(2), lseek(2)");
_Static_assert(SIGPIPE == 13 && SIGXFSZ == 25, "signal(7)");
_Static_assert(sizeof(struct ucred) == 12 && sizeof(struct pollfd) == 8 && sizeof(struct timeval) == 16, "layouts");
_Static_assert(sizeof(((struct sockaddr_un *) 0)->sun_path) == 108, "unix(7)");

/*
 * The answer of a plugin that cannot even start: the runtime is to try again (CNI specification 1.1, section 5, code
 * 11).
 */
static void meshcni_no_memory(void) {
    static const char error[] =
            "{\"cniVersion\":\"1.1.0\",\"code\":11,\"msg\":\"the plugin has no memory\",\"details\":"
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

static inline int meshcni_protect(void *address, size_t length, int protection) {
    if (mprotect(address, length, protection) != 0) {
        meshcni_no_memory();
    }
    return 0;
}

static inline void *meshcni_allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        meshcni_no_memory();
    }
    return memory;
}

/* The kernel's own clock: that of the C library reads three more pages, which costs more than the few calls. */
static inline int meshcni_clock(clockid_t clock, struct timespec *time) {
    return (int) syscall(SYS_clock_gettime, clock, time);
}

#define clock_gettime meshcni_clock
#define mmap meshcni_map
#define mprotect meshcni_protect
#define malloc meshcni_allocate
#define abort meshcni_no_memory

/*
 * The header of an object names its class. For TeaVM that is a distance, known when the program runs; here it is the
 * address, so that the header of a constant is known when the program is linked. The collector needs three bits for
 * itself, so addresses have 29; the build makes sure.
 */
#define TEAVM_PACK_CLASS(cls) ((int32_t) (uintptr_t) (cls))
#define TEAVM_UNPACK_CLASS(cls) ((TeaVM_Class*) (uintptr_t) ((cls) & 0x1fffffff))

/*
 * A header as the linker can write it, little-endian: the address, the bit that says that the collector has nothing
 * to do, and no hash code.
 */
#define MESHCNI_HEADER(cls) ((char*) &(cls) + 0x80000000l)

struct meshcni_string {
    char *header;
    void *characters;
    int32_t hash;
};

#define MESHCNI_STRING(length, hash_code, ...) (TeaVM_String*) &(struct meshcni_string) { \
    .header = MESHCNI_HEADER(jl_String_Cls), \
    .characters = &(struct { char *header; int32_t size; char16_t data[(length) + 1]; }) { \
        .header = MESHCNI_HEADER(Arr_C_Cls), .size = length, .data = __VA_ARGS__ \
    }, \
    .hash = INT32_C(hash_code) \
}
#define TEAVM_STRING(length, hash, text) MESHCNI_STRING(length, hash, text)
#define TEAVM_STRING_FROM_CODES(length, hash, ...) MESHCNI_STRING(length, hash, { __VA_ARGS__ })

/* Large, and hardly ever used: its name puts it behind what is used, as the linker sorts by name. */
#define teavm_dynamicClassPool zz_teavm_dynamicClassPool
