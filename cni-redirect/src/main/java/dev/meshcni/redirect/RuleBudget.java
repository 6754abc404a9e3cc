// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.InvalidParameterException;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How many rules one pod may have, of all tables and families. What a pod's author writes decides how many there are,
 * and each costs memory and time of the node, at every ADD and at every packet.
 */
public final class RuleBudget {
    /** The most rules of one pod. */
    static final int MAX_RULES = 4096;

    private static final int NAMED = 3;

    private final RedirectParameters parameters;
    private int left = MAX_RULES;

    /** The budget of a pod that asks for these parameters. */
    RuleBudget(RedirectParameters parameters) {
        this.parameters = parameters;
    }

    /**
     * Counts one more rule.
     *
     * @throws InvalidParameterException if it is one too many; it names what asks for most
     */
    void spend() {
        if (left == 0) {
            throw new InvalidParameterException("the pod needs more than " + MAX_RULES
                    + " rules, the limit for one pod; most of them come from " + most());
        }
        left--;
    }

    /** Estimates the number of rules for parameters without compiling them. */
    public static int estimate(RedirectParameters parameters) {
        return entries(parameters).values().stream().mapToInt(Integer::intValue).sum();
    }

    private String most() {
        return entries(parameters).entrySet().stream()
                .sorted(Map.Entry.<Parameter, Integer>comparingByValue(Comparator.reverseOrder()))
                .limit(NAMED)
                .filter(entry -> entry.getValue() > 1)
                .map(entry -> parameters.origin(entry.getKey()) + " (" + entry.getValue() + " entries)")
                .collect(Collectors.joining(", "));
    }

    private static Map<Parameter, Integer> entries(RedirectParameters parameters) {
        Map<Parameter, Integer> entries = new EnumMap<>(Parameter.class);
        int ranges = Math.max(1, parameters.outbound().cidrs().items().size());
        entries.put(
                Parameter.INBOUND_PORTS, parameters.inbound().ports().items().size());
        entries.put(
                Parameter.EXCLUDED_INBOUND_PORTS,
                parameters.inbound().excludedPorts().size());
        entries.put(Parameter.OUTBOUND_CIDRS, ranges);
        entries.put(
                Parameter.EXCLUDED_OUTBOUND_CIDRS,
                parameters.outbound().excludedCidrs().size());
        entries.put(Parameter.OUTBOUND_PORTS, parameters.outbound().ports().size());
        entries.put(
                Parameter.EXCLUDED_OUTBOUND_PORTS,
                parameters.outbound().excludedPorts().size());
        entries.put(
                Parameter.EXCLUDED_INTERFACES,
                parameters.interfaces().excluded().size());
        // Each interface has a rule for each of the ranges.
        entries.put(
                Parameter.VIRTUAL_INTERFACES, parameters.interfaces().virtual().size() * ranges);
        entries.put(
                Parameter.OWNER_GROUPS,
                parameters.outbound().ownerGroups().items().size());
        entries.put(
                Parameter.EXCLUDED_OWNER_GROUPS,
                parameters.outbound().excludedOwnerGroups().size());
        return entries;
    }
}
