// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.iptables.FamilyList;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.IpFamilies;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** The address families of a pod to redirect, for commands that cannot always inspect the pod. */
final class FamilyOptions {
    @Option(
            names = "--ip-families",
            paramLabel = "FAMILIES",
            converter = FamilyList.Converter.class,
            description = "Address families to redirect: ipv4, ipv6 or ipv4,ipv6. Default: those of the pod's"
                    + " addresses if known; else ipv4, or both for an ambient pod and if the proxy sets"
                    + " ISTIO_DUAL_STACK.")
    private FamilyList families;

    /** The plan for a pod with these addresses; none if they are not known. */
    RedirectPlan plan(RedirectParameters parameters, List<InetAddress> addresses) {
        return RuleCompiler.compile(
                parameters, families(parameters, Optional.of(addresses).filter(known -> !known.isEmpty())));
    }

    /** The plans that an ambient pod with these addresses may have, the first choice first. */
    List<RedirectPlan> acceptable(AmbientOptions options, List<InetAddress> addresses) {
        if (families != null || addresses.isEmpty()) {
            Set<IpFamily> both = EnumSet.allOf(IpFamily.class);
            return List.of(AmbientRules.compile(options, families == null ? both : families.families()));
        }
        return AmbientRules.acceptable(options, addresses);
    }

    /** The plan for an ambient pod with these addresses; none if they are not known. */
    RedirectPlan plan(AmbientOptions options, List<InetAddress> addresses) {
        return acceptable(options, addresses).getFirst();
    }

    private Set<IpFamily> families(RedirectParameters parameters, Optional<List<InetAddress>> addresses) {
        return Optional.ofNullable(families)
                .map(FamilyList::families)
                .or(() -> addresses.map(known ->
                        IpFamilies.choose(known, parameters.proxy().dualStack()).families()))
                .orElseGet(() ->
                        parameters.proxy().dualStack() ? EnumSet.allOf(IpFamily.class) : EnumSet.of(IpFamily.IPV4));
    }
}
