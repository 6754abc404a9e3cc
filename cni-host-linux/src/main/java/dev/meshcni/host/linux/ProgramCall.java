// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A program to be started, with all that it is given.
 *
 * @param program its path, as it is in the mount namespace
 * @param file which file must be there, as {@link java.nio.file.attribute.BasicFileAttributes#fileKey} has it; empty if
 *     any may
 * @param environment the whole environment
 * @param input its standard input, at most {@link #LONGEST_INPUT} bytes of UTF-8
 * @param deadline after this time it is killed, with all of its process group
 */
public record ProgramCall(
        Path program, Optional<Object> file, Map<String, String> environment, String input, Duration deadline) {
    /** The number of bytes that fit into any pipe without a reader (pipe(7)). */
    public static final int LONGEST_INPUT = 1 << 12;

    public ProgramCall {
        requireNonNull(program, "program is null");
        requireNonNull(file, "file is null");
        environment = Map.copyOf(environment);
        requireNonNull(deadline, "deadline is null");
        if (input.getBytes(UTF_8).length > LONGEST_INPUT) {
            throw new IllegalArgumentException("input exceeds " + LONGEST_INPUT + " bytes");
        }
    }
}
