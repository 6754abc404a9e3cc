// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Who this process is and what it may do ({@code proc_pid_status(5)}, {@code capabilities(7)}).
 *
 * @param uid the user that its sockets belong to
 * @param gid the group that its sockets belong to
 * @param capabilities its effective capabilities, a bit each
 */
record ProcessRights(long uid, long gid, long capabilities) {
    private static final int CAP_SETGID = 6;
    private static final int CAP_SETUID = 7;
    private static final int CAP_NET_ADMIN = 12;
    private static final int FILE_SYSTEM_ID = 4;

    /** Those of this process. */
    static ProcessRights own() {
        Path status = Path.of("/proc/self/status");
        try {
            return parse(Files.readString(status, UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the capabilities of this process from " + status, e);
        }
    }

    static ProcessRights parse(String status) {
        return new ProcessRights(
                Long.parseLong(fields(status, "Uid:")[FILE_SYSTEM_ID]),
                Long.parseLong(fields(status, "Gid:")[FILE_SYSTEM_ID]),
                Long.parseUnsignedLong(fields(status, "CapEff:")[1], 16));
    }

    /** Returns whether it may open sockets for other users. */
    boolean canBecomeOthers() {
        return has(CAP_SETGID) && has(CAP_SETUID);
    }

    /** Returns whether it may read the rules of its network namespace. */
    boolean canReadRules() {
        return has(CAP_NET_ADMIN);
    }

    private boolean has(int capability) {
        return (capabilities >>> capability & 1) == 1;
    }

    private static String[] fields(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith(name))
                .findFirst()
                .map(line -> line.split("\\s+"))
                .orElseThrow(() -> new IllegalStateException("/proc/self/status has no " + name));
    }
}
