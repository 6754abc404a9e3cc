// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.RuleSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * All that has to be in a pod's network namespace for its traffic to be redirected.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param ruleSets one for each address family that is redirected, IPv4 first
 * @param localAddresses addresses that the loopback interface must have ({@code ::6/128} for IPv6: the proxy binds its
 *     connections to the application to it)
 * @param routing the policy routing of transparent proxies: TPROXY's, and that of ambient pods; empty for REDIRECT
 * @since 0.1.0
 */
public record RedirectPlan(List<RuleSet> ruleSets, List<Cidr> localAddresses, Optional<TproxyRouting> routing) {
    /** No redirection: what differs from it in a namespace is a redirection's. */
    public static final RedirectPlan NONE = new RedirectPlan(List.of(), List.of(), Optional.empty());

    public RedirectPlan {
        ruleSets = List.copyOf(ruleSets);
        localAddresses = List.copyOf(localAddresses);
    }

    /**
     * Delivers marked packets to local sockets, whatever their destination: {@code ip rule add fwmark MARK lookup
     * TABLE} and {@code ip route add local default dev lo table TABLE}, in each family of the plan (kernel
     * documentation, networking/tproxy).
     *
     * @param preference the place of the rule among all rules; 0 lets the kernel choose, and then any place will do
     */
    public record TproxyRouting(Mark mark, int table, int preference) {
        public TproxyRouting {
            Objects.requireNonNull(mark, "mark is null");
        }

        /** For a mark of which all bits are compared, at any place among the rules. */
        public TproxyRouting(int mark, int table) {
            this(Mark.whole(mark), table, 0);
        }
    }

    /** The families that are redirected. */
    public Set<IpFamily> families() {
        return ruleSets.stream().map(RuleSet::family).collect(Collectors.toUnmodifiableSet());
    }

    /** The rules of a family, if it is redirected. */
    public Optional<RuleSet> ruleSet(IpFamily family) {
        return ruleSets.stream().filter(set -> set.family() == family).findFirst();
    }

    /** The rules that a namespace should have for a family: none if it is not redirected. */
    public RuleSet wantedRules(IpFamily family) {
        return ruleSet(family).orElseGet(() -> new RuleSet(family, Map.of()));
    }
}
