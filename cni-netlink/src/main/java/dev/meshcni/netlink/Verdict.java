// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * What becomes of a packet ({@code NFTA_VERDICT_CODE}, {@code NFTA_VERDICT_CHAIN}).
 *
 * @param code what is done
 * @param chain where a jump or a goto leads; empty otherwise
 */
public record Verdict(Code code, String chain) {
    /** {@code NF_ACCEPT} and the like, {@code NFT_RETURN} and the like. */
    public enum Code {
        DROP(0),
        ACCEPT(1),
        CONTINUE(-1),
        BREAK(-2),
        JUMP(-3),
        GOTO(-4),
        RETURN(-5);

        private final int number;

        Code(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }

        static Optional<Code> of(int number) {
            for (Code code : values()) {
                if (code.number == number) {
                    return Optional.of(code);
                }
            }
            return Optional.empty();
        }

        private boolean leadsToAChain() {
            return this == JUMP || this == GOTO;
        }
    }

    public Verdict {
        Objects.requireNonNull(code, "code is null");
        if (code.leadsToAChain() == chain.isEmpty()) {
            throw new IllegalArgumentException(code + " with the chain '" + chain + "'");
        }
    }

    /** A verdict that leads to no chain. */
    public static Verdict of(Code code) {
        return new Verdict(code, "");
    }

    /** Go through a chain and come back. */
    public static Verdict jump(String chain) {
        return new Verdict(Code.JUMP, chain);
    }

    @Override
    public String toString() {
        String name = code.name().toLowerCase(Locale.ROOT);
        return chain.isEmpty() ? name : name + " " + chain;
    }
}
