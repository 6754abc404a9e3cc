// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.NftTable;
import dev.meshcni.netlink.KernelChain.Base;
import dev.meshcni.rules.ChainNames;
import dev.meshcni.rules.Table;
import java.util.Locale;

/**
 * Where the chains of iptables are entered: the tables of {@code iptables(8)} as {@code nft(8)} names their types and
 * priorities.
 */
final class BaseChains {
    private static final int RAW = -300;
    private static final int MANGLE = -150;
    private static final int DESTINATION_NAT = -100;
    private static final int SOURCE_NAT = 100;

    private BaseChains() {}

    /** Of a chain that the kernel enters. */
    static Base of(Table table, String chain) {
        return switch (table) {
            case RAW -> new Base("filter", hook(chain), RAW, true);
            // A mark that is set on the way out has to be able to change the route.
            case MANGLE -> new Base(chain.equals(ChainNames.OUTPUT) ? "route" : "filter", hook(chain), MANGLE, true);
            case NAT -> new Base("nat", hook(chain), natPriority(chain), true);
        };
    }

    /** Of a chain of our own table that the kernel enters. */
    static Base own(Table table, String chain) {
        Base base = of(table, chain);
        return table == Table.NAT ? new Base(base.type(), base.hook(), NftTable.NAT_PRIORITY, base.accepts()) : base;
    }

    /** A base as {@link dev.meshcni.netfilter.NftRenderer} writes one. */
    static String text(Base base) {
        String hook = switch (base.hook()) {
            case 0 -> "prerouting";
            case 1 -> "input";
            case 2 -> "forward";
            case 3 -> "output";
            case 4 -> "postrouting";
            default -> String.valueOf(base.hook());
        };
        String entry = "type " + base.type() + " hook " + hook + " priority " + base.priority();
        return base.accepts() ? entry : entry + " policy drop";
    }

    private static int natPriority(String chain) {
        return switch (chain.toUpperCase(Locale.ROOT)) {
            case "INPUT", "POSTROUTING" -> SOURCE_NAT;
            default -> DESTINATION_NAT;
        };
    }

    /** {@code enum nf_inet_hooks}. */
    private static int hook(String chain) {
        return switch (chain) {
            case "PREROUTING" -> 0;
            case "INPUT" -> 1;
            case "FORWARD" -> 2;
            case "OUTPUT" -> 3;
            case "POSTROUTING" -> 4;
            default -> throw new IllegalArgumentException(chain + " is none of the kernel's chains");
        };
    }
}
