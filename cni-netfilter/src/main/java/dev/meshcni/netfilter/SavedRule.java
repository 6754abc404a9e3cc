// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import java.util.Objects;

/** A rule as {@code iptables-save(8)} printed it. */
public sealed interface SavedRule {
    /** A rule that our model can express, whoever put it there. */
    record Known(Rule rule) implements SavedRule {
        public Known {
            Objects.requireNonNull(rule, "rule is null");
        }

        @Override
        public String text() {
            return IptablesRenderer.rule(rule);
        }

        @Override
        public String target() {
            return switch (rule.target()) {
                case Target.Jump(var chain) -> chain;
                case Target.Return _ -> "RETURN";
                case Target.Accept _ -> "ACCEPT";
                case Target.Drop _ -> "DROP";
                case Target.Redirect _ -> "REDIRECT";
                case Target.Tproxy _ -> "TPROXY";
                case Target.SetMark _ -> "MARK";
                case Target.SetConnectionMark _, Target.SaveMark _, Target.RestoreMark _ -> "CONNMARK";
                case Target.CtZone _ -> "CT";
            };
        }
    }

    /**
     * A rule that uses something our model has no word for.
     *
     * @param text what follows {@code -A CHAIN}
     * @param target the name of its target or of the chain that it goes to; empty if it has none
     */
    record Foreign(String text, String target) implements SavedRule {
        public Foreign {
            Objects.requireNonNull(text, "text is null");
            Objects.requireNonNull(target, "target is null");
        }
    }

    /** The text after {@code -A CHAIN}. */
    String text();

    /** The name of its target, or of the chain that it goes to; empty if it has none. */
    String target();
}
