// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/** The outcome of starting a program. */
public sealed interface ProgramOutcome {
    /**
     * It has exited.
     *
     * @param exitCode its exit code
     * @param output the beginning of what it has written to standard output, as much as is kept
     * @param errors the same of standard error
     */
    record Ended(int exitCode, String output, String errors) implements ProgramOutcome {
        public Ended {
            requireNonNull(output, "output is null");
            requireNonNull(errors, "errors is null");
        }
    }

    /**
     * A signal has ended it.
     *
     * @param signal the number of the signal (signal(7))
     */
    record Signalled(int signal) implements ProgramOutcome {}

    /**
     * The kernel does not start it (execve(2)).
     *
     * @param refusal why
     * @param detail the kernel's own words
     */
    record Refused(Refusal refusal, String detail) implements ProgramOutcome {
        public Refused {
            requireNonNull(refusal, "refusal is null");
            requireNonNull(detail, "detail is null");
        }
    }

    /**
     * It had not ended at its deadline. Where not even a signal ended it, it hangs in the kernel, most likely on its
     * file system.
     *
     * @param deadline the time that it had
     * @param stuck whether it could not be ended either
     */
    record Late(Duration deadline, boolean stuck) implements ProgramOutcome {
        public Late {
            requireNonNull(deadline, "deadline is null");
        }
    }

    /**
     * The mount namespace cannot be entered, so nothing has been tried.
     *
     * @param reason the kernel's words
     */
    record NotEntered(String reason) implements ProgramOutcome {
        public NotEntered {
            requireNonNull(reason, "reason is null");
        }
    }

    /** Whoever had it started does not want to know any more. */
    record Cancelled() implements ProgramOutcome {}

    /** The reason why the kernel does not start a program. */
    enum Refusal {
        /** There is nothing at its path. */
        MISSING,
        /** There is something at its path, and it is not the expected file. */
        ANOTHER_FILE,
        /** It is there; what must load it, an interpreter or ELF's dynamic loader, is not. */
        NO_LOADER,
        /** Its file system is mounted {@code noexec}. */
        NOEXEC,
        /** Its mode, or a security module, forbids it. */
        NOT_PERMITTED,
        /** It is no program of this architecture. */
        FOREIGN,
        /** Anything else. */
        OTHER
    }
}
