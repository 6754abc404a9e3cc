package dev.meshcni.api;

import java.util.Arrays;
import java.util.Optional;

/** An operation that a runtime asks of a plugin in {@code CNI_COMMAND} (CNI specification 1.1, section 2). */
public enum CniCommand {
    ADD,
    DEL,
    CHECK,
    GC,
    STATUS,
    VERSION;

    /** The command of a text, if there is such a one; commands are upper case. */
    public static Optional<CniCommand> of(String text) {
        return Arrays.stream(values())
                .filter(command -> command.name().equals(text))
                .findFirst();
    }
}
