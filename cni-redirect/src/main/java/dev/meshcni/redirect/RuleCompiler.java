// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Turns parameters into the rules that Istio's proxy expects around it: same chains, same rules, same order.
 *
 * <p>Pure, and defined for every valid {@link RedirectParameters} that does not mean more than
 * {@value RuleBudget#MAX_RULES} rules. Each rule's origin says what the rule is for and which annotation, variable,
 * flag or default is behind it.
 */
public final class RuleCompiler {
    private RuleCompiler() {}

    /**
     * The plan for a pod.
     *
     * @param parameters what the pod asks for
     * @param families the families to redirect, at least one ({@link IpFamilies#choose})
     * @throws InvalidParameterException if these are more rules than one pod may have
     */
    public static RedirectPlan compile(RedirectParameters parameters, Set<IpFamily> families) {
        if (families.isEmpty()) {
            throw new IllegalArgumentException("no address family to redirect");
        }
        RuleBudget budget = new RuleBudget(parameters);
        List<RuleSet> ruleSets = new ArrayList<>();
        List<Cidr> localAddresses = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            if (families.contains(family)) {
                ruleSets.add(ruleSet(parameters, family, budget));
            }
        }
        if (families.contains(IpFamily.IPV6)) {
            // All of 127.0.0.0/8 is local, of IPv6's loopback only ::1 is: the proxy could not bind to ::6.
            localAddresses.add(PodAddresses.of(IpFamily.IPV6, parameters).passthrough());
        }
        return new RedirectPlan(ruleSets, localAddresses, routing(parameters));
    }

    private static RuleSet ruleSet(RedirectParameters parameters, IpFamily family, RuleBudget budget) {
        Map<Table, List<Chain>> tables = new EnumMap<>(Table.class);
        tables.put(Table.RAW, new RawRules(parameters, family, budget).chains());
        tables.put(Table.MANGLE, new MangleRules(parameters, family, budget).chains());
        tables.put(Table.NAT, new NatRules(parameters, family, budget).chains());
        return new RuleSet(family, tables);
    }

    private static Optional<RedirectPlan.TproxyRouting> routing(RedirectParameters parameters) {
        boolean needed = parameters.mode() == InterceptionMode.TPROXY
                && !parameters.inbound().ports().isNone();
        return needed
                ? Optional.of(new RedirectPlan.TproxyRouting(
                        parameters.tproxy().mark(), parameters.tproxy().routeTable()))
                : Optional.empty();
    }
}
