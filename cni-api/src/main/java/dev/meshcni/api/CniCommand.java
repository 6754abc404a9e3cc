// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.Optional;

/**
 * An operation that a runtime asks of a plugin in {@code CNI_COMMAND} (CNI specification 1.1, section 2).
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public enum CniCommand {
    ADD(SpecVersion.V0_1_0),
    DEL(SpecVersion.V0_1_0),
    CHECK(SpecVersion.V0_4_0),
    GC(SpecVersion.V1_1_0),
    STATUS(SpecVersion.V1_1_0),
    VERSION(SpecVersion.V0_2_0);

    private final SpecVersion since;

    CniCommand(SpecVersion since) {
        this.since = since;
    }

    /** The version of the specification that brought the command; configurations of older ones do not allow it. */
    public SpecVersion since() {
        return since;
    }

    /**
     * Makes sure that a version of the specification has the command.
     *
     * @throws CniException with {@link ErrorCode#INCOMPATIBLE_VERSION} if it came later
     */
    public void requireIn(SpecVersion version) {
        if (!version.atLeast(since)) {
            throw new CniException(
                    ErrorCode.INCOMPATIBLE_VERSION,
                    "CNI version " + version + " does not allow " + this,
                    this + " came with " + since);
        }
    }

    /** The command of a text, if there is such a one; commands are upper case. */
    public static Optional<CniCommand> of(String text) {
        for (CniCommand command : values()) {
            if (command.name().equals(text)) {
                return Optional.of(command);
            }
        }
        return Optional.empty();
    }
}
