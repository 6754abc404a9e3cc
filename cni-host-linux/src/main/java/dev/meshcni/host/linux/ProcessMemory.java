// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

/** The memory of this process, in which its credentials are. */
public final class ProcessMemory {
    private static final int PR_SET_DUMPABLE = 4;

    private ProcessMemory() {}

    /**
     * Keeps the memory to this process: the kernel writes no core dump of it, whatever ends it, and lets no process
     * without {@code CAP_SYS_PTRACE} look into it (prctl(2), {@code PR_SET_DUMPABLE}). Programs that it starts are not
     * concerned.
     *
     * @return whether the kernel has agreed
     */
    public static boolean keepToItself() {
        return !LibC.PRCTL.call(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L).failed();
    }
}
