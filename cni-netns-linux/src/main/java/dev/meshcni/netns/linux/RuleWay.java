// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import java.util.Locale;

/** The way in which rules of iptables get into the kernel. */
public enum RuleWay {
    /** By netlink where that works, by the programs elsewhere. */
    EITHER,
    /** By netlink: for the nf_tables variant. The programs are used only in a pod that netlink cannot do it for. */
    NETLINK,
    /** By the programs {@code iptables-restore} and {@code iptables-save}. */
    PROGRAMS;

    /** The environment variable that chooses: {@code netlink} or {@code programs}; empty or absent for either. */
    public static final String VARIABLE = "RULES_BY";

    /**
     * What the environment of this process asks for.
     *
     * @throws RedirectException if that is something else
     */
    static RuleWay ofEnvironment() {
        String text = System.getenv(VARIABLE);
        return text == null ? EITHER : parse(text);
    }

    /**
     * The way of a name.
     *
     * @throws RedirectException if there is none
     */
    static RuleWay parse(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "" -> EITHER;
            case "netlink" -> NETLINK;
            case "programs" -> PROGRAMS;
            default ->
                throw new RedirectException(VARIABLE + " is '" + text + "': allowed are netlink, programs and nothing");
        };
    }
}
