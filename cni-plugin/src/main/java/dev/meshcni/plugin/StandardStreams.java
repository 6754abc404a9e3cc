// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.util.Arrays;

/** Standard input and output, within limits of time and length. */
final class StandardStreams {
    private static final int INPUT = 0;
    private static final int OUTPUT = 1;
    private static final int FIRST_BUFFER = 2 * 1024;

    /** A pipe that can be written takes so much at once (pipe(7), {@code PIPE_BUF}). */
    private static final int AT_ONCE = 4096;

    private final Host host;

    StandardStreams(Host host) {
        this.host = host;
    }

    /**
     * Reads standard input to its end.
     *
     * @throws IOException if it does not end in time, is too long, or cannot be read
     */
    byte[] readAll(TimeLimit limit) throws IOException {
        byte[] buffer = new byte[FIRST_BUFFER];
        int length = 0;
        while (true) {
            limit.awaitInput(INPUT);
            int read = host.read(INPUT, buffer, length, buffer.length - length);
            if (read == 0) {
                return Arrays.copyOf(buffer, length);
            }
            if (Errno.mayBeTriedAgain(read)) {
                continue;
            }
            length += Errno.check(read);
            if (length > AgentProtocol.MAX_STREAM) {
                throw new IOException("more than " + AgentProtocol.MAX_STREAM + " bytes");
            }
            if (length == buffer.length) {
                buffer = Arrays.copyOf(buffer, Math.min(2 * length, AgentProtocol.MAX_STREAM + 1));
            }
        }
    }

    /** Writes to standard output; whether all of it was taken. */
    boolean print(byte[] output, TimeLimit limit) {
        int written = 0;
        try {
            while (written < output.length) {
                limit.awaitOutput(OUTPUT);
                int some = host.write(OUTPUT, output, written, Math.min(AT_ONCE, output.length - written));
                if (!Errno.mayBeTriedAgain(some)) {
                    written += Errno.check(some);
                }
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
