// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Objects;

/**
 * A value that a pod or a command line gives cannot be used. The message names where it stands, quotes it, and says
 * what is allowed; it is safe to log and to return to a runtime, whatever the value holds.
 */
public class InvalidParameterException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int MAX_QUOTED = 80;

    private final String parameter;
    private final String value;

    /**
     * @param parameter where the value stands, as in "annotation traffic.sidecar.istio.io/excludeInboundPorts"
     * @param value the value as it was given
     * @param problem what is wrong with it and what is allowed
     */
    public InvalidParameterException(String parameter, String value, String problem) {
        super(Objects.requireNonNull(parameter, "parameter is null") + " is " + quote(value) + ": " + problem);
        this.parameter = parameter;
        this.value = value;
    }

    /**
     * Values that are allowed each, but not together.
     *
     * @param problem which, what is wrong with them and what is allowed
     */
    public InvalidParameterException(String problem) {
        super(problem);
        this.parameter = "";
        this.value = "";
    }

    /** For a value that is too large to be read, so that there is none to quote. */
    public InvalidParameterException(CutField cut) {
        super(cut.field() + " " + cut.problem());
        this.parameter = cut.field();
        this.value = "";
    }

    /** The source of the value: an annotation, a variable or a flag, with its name; empty if it does not apply. */
    public String parameter() {
        return parameter;
    }

    /** The value, whole and as it was given; empty if it was too large to be read. */
    public String value() {
        return value;
    }

    /**
     * A text in quotes on one line, with all but printable ASCII escaped, cut after about {@value #MAX_QUOTED}
     * characters.
     */
    public static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        int taken = 0;
        while (taken < text.length() && quoted.length() <= MAX_QUOTED) {
            char c = text.charAt(taken++);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c >= ' ' && c < 127) {
                quoted.append(c);
            } else {
                quoted.append(String.format("\\u%04x", (int) c));
            }
        }
        quoted.append('"');
        if (taken < text.length()) {
            quoted.append("... (").append(text.length()).append(" characters)");
        }
        return quoted.toString();
    }
}
