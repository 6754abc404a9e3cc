// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.ptr.IntByReference;
import java.nio.ByteBuffer;

/** The system calls that the fixtures need and java.net has no words for; see section 2 of the manual. */
interface Libc extends Library {
    Libc C = Native.load("c", Libc.class);

    int AF_INET = 2;
    int AF_INET6 = 10;
    int SOCK_STREAM = 1;
    int SOCK_DGRAM = 2;
    int SOCK_RAW = 3;
    int SOCK_NONBLOCK = 0x800;
    int SOCK_CLOEXEC = 0x80000;
    int O_RDONLY = 0;
    int O_CLOEXEC = 0x80000;
    int CLONE_NEWNET = 0x40000000;
    int SOL_SOCKET = 1;
    int SO_REUSEADDR = 2;
    int SO_ERROR = 4;
    int SO_LINGER = 13;
    int SO_BINDTODEVICE = 25;
    int SO_MARK = 36;
    int IPPROTO_TCP = 6;
    int SOL_IP = 0;
    int SOL_IPV6 = 41;
    int IP_FREEBIND = 15;
    int IP_TRANSPARENT = 19;
    int IPV6_TRANSPARENT = 75;
    int IPV6_FREEBIND = 78;
    int IPV6_V6ONLY = 26;
    /** The same number in {@link #SOL_IP} and in {@link #SOL_IPV6}. */
    int SO_ORIGINAL_DST = 80;

    short POLLIN = 1;
    short POLLOUT = 4;
    int EPERM = 1;
    int ENOENT = 2;
    int EAGAIN = 11;
    int ENOPROTOOPT = 92;
    int ECONNREFUSED = 111;
    int EINPROGRESS = 115;

    int open(String path, int flags) throws LastErrorException;

    int close(int fd) throws LastErrorException;

    int setns(int fd, int type) throws LastErrorException;

    /** Of the calling thread only, unlike setuid; returns the former id. Sockets belong to this user. */
    int setfsuid(int uid);

    /** Of the calling thread only, unlike setgid; returns the former id. Sockets belong to this group. */
    int setfsgid(int gid);

    int socket(int domain, int type, int protocol) throws LastErrorException;

    int bind(int fd, byte[] address, int length) throws LastErrorException;

    int listen(int fd, int backlog) throws LastErrorException;

    int accept4(int fd, byte[] address, IntByReference length, int flags) throws LastErrorException;

    int connect(int fd, byte[] address, int length) throws LastErrorException;

    long send(int fd, byte[] data, long length, int flags) throws LastErrorException;

    long recv(int fd, byte[] data, long length, int flags) throws LastErrorException;

    int getsockname(int fd, byte[] address, IntByReference length) throws LastErrorException;

    int getsockopt(int fd, int level, int option, byte[] value, IntByReference length) throws LastErrorException;

    int setsockopt(int fd, int level, int option, byte[] value, int length) throws LastErrorException;

    int poll(ByteBuffer fds, long count, int timeoutMillis) throws LastErrorException;

    int eventfd(int initial, int flags) throws LastErrorException;

    long write(int fd, byte[] data, long length) throws LastErrorException;
}
