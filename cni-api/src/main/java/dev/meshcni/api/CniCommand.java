package dev.meshcni.api;

import java.util.Arrays;
import java.util.Optional;

/** An operation that a runtime asks of a plugin in {@code CNI_COMMAND} (CNI specification 1.1, section 2). */
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

    /** The command of a text, if there is such a one; commands are upper case. */
    public static Optional<CniCommand> of(String text) {
        return Arrays.stream(values())
                .filter(command -> command.name().equals(text))
                .findFirst();
    }
}
