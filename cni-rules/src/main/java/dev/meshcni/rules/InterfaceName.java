// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Objects;

/**
 * The name of a network interface: 1 to 15 bytes (IFNAMSIZ less its terminator) of letters, digits and {@code . _ - @},
 * and not {@code .} or {@code ..}.
 *
 * <p>The kernel allows more characters than this. A name that comes from a pod ends up in a rules file, so what could
 * mean anything there (blanks, quotes, {@code +}, {@code !}) is refused.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public record InterfaceName(String value) {
    /** The longest name, in bytes. */
    public static final int MAX_LENGTH = 15;

    /** The loopback interface. */
    public static final InterfaceName LOOPBACK = new InterfaceName("lo");

    public InterfaceName {
        Objects.requireNonNull(value, "value is null");
        boolean safe = !value.isEmpty()
                && value.length() <= MAX_LENGTH
                && value.charAt(0) != '-'
                && value.chars().allMatch(InterfaceName::isSafe)
                && !value.equals(".")
                && !value.equals("..");
        if (!safe) {
            throw new IllegalArgumentException("'" + value + "' is not an interface name: 1 to " + MAX_LENGTH
                    + " letters, digits, '.', '_', '-' or '@', not starting with '-'");
        }
    }

    private static boolean isSafe(int c) {
        return c < 128 && (Character.isLetterOrDigit(c) || "._-@".indexOf(c) >= 0);
    }

    @Override
    public String toString() {
        return value;
    }
}
