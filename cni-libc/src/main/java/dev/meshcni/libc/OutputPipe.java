// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import java.nio.charset.StandardCharsets;

/** A pipe that a program writes to and this process reads from. */
final class OutputPipe implements AutoCloseable {
    private static final int CLOSED = -1;
    private static final int CHUNK = 16 << 10;

    private int out;
    private int in;

    OutputPipe() {
        int[] ends = new int[2];
        LibC.check(LibC.pipe2(ends, LibC.O_CLOEXEC), "creating a pipe");
        this.out = ends[0];
        this.in = ends[1];
    }

    /** The end that a program is given. */
    int in() {
        return in;
    }

    /** The end that is read, for {@code poll(2)}; negative, and so passed over, once all is read. */
    int out() {
        return out;
    }

    /** The program has its end; without this one the pipe ends when the program does. */
    void closeIn() {
        in = closed(in);
    }

    /** The available output, each byte as one character; empty at the end. Blocks if there is none yet. */
    String read() {
        byte[] chunk = new byte[CHUNK];
        long count = LibC.read(out, chunk, chunk.length);
        if (count < 0 && LibC.errno() != LibC.EINTR) {
            throw LibC.failure("reading the output of a program");
        }
        if (count == 0) {
            out = closed(out);
        }
        return new String(chunk, 0, (int) Math.max(0, count), StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() {
        in = closed(in);
        out = closed(out);
    }

    private static int closed(int fd) {
        if (fd != CLOSED) {
            LibC.close(fd);
        }
        return CLOSED;
    }
}
