package dev.meshcni.core;

import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.IpFamilies;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.RuleSet;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

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
     * @param netns the pod's namespace, whose addresses are read
     * @param promised addresses that the base CNI says the pod has
     * @throws RedirectException if the namespace cannot be read
     */
    public static PodPlan of(RedirectParameters parameters, NamespaceHandle netns, List<InetAddress> promised) {
        List<InetAddress> addresses = new ArrayList<>(netns.addresses());
        promised.stream().filter(address -> !addresses.contains(address)).forEach(addresses::add);
        IpFamilies families = IpFamilies.choose(addresses, parameters.dualStack());
        return new PodPlan(RuleCompiler.compile(parameters, families.families()), families.uncovered());
    }

    /** The number of rules of all families. */
    public int ruleCount() {
        return redirect.ruleSets().stream().mapToInt(RuleSet::ruleCount).sum();
    }
}
