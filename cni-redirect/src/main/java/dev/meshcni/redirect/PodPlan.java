// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The rules that a pod's network namespace needs, for the addresses that it has.
 *
 * @param redirect the rules, addresses and routes
 * @param uncovered IPv6 addresses whose traffic bypasses the proxy, as it does not listen on IPv6
 */
public record PodPlan(RedirectPlan redirect, List<InetAddress> uncovered) {
    public PodPlan {
        Objects.requireNonNull(redirect, "redirect is null");
        uncovered = List.copyOf(uncovered);
    }

    /**
     * The plan for a pod.
     *
     * @param parameters what the pod asks for
     * @param addresses the addresses that the pod has, in order
     */
    public static PodPlan of(RedirectParameters parameters, List<InetAddress> addresses) {
        return of(parameters, addresses, RuleCompiler::compile);
    }

    /**
     * The plan for a pod, by a compiler that may know it already.
     *
     * @param parameters what the pod asks for
     * @param addresses the addresses that the pod has, in order
     * @param compiler gives what {@link RuleCompiler#compile} does
     */
    public static PodPlan of(
            RedirectParameters parameters,
            List<InetAddress> addresses,
            BiFunction<RedirectParameters, Set<IpFamily>, RedirectPlan> compiler) {
        IpFamilies families = IpFamilies.choose(addresses, parameters.proxy().dualStack());
        return new PodPlan(compiler.apply(parameters, families.families()), families.uncovered());
    }

    /** The number of rules of all families. */
    public int ruleCount() {
        return redirect.ruleSets().stream().mapToInt(RuleSet::ruleCount).sum();
    }
}
