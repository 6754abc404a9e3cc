// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.Finding.Severity;
import java.util.List;
import java.util.Objects;

/**
 * The state of a node, in words for an operator.
 *
 * @param configuration what is in the configuration directory, a line for each file, in the order of runtimes
 * @param baseCni which chain adapter answers, and why
 * @param adapters each chain adapter: used or declined, why, and where it was loaded from
 * @param plugin what is in the directory of plugins
 * @param agent whether an agent answers
 * @param findings what an operator has to know
 * @param plan the changes that an installation would make, a line each; empty if there are none
 */
public record NodeReport(
        List<String> configuration,
        String baseCni,
        List<String> adapters,
        String plugin,
        String agent,
        List<Finding> findings,
        List<String> plan) {
    public NodeReport {
        configuration = List.copyOf(configuration);
        Objects.requireNonNull(baseCni, "baseCni is null");
        adapters = List.copyOf(adapters);
        Objects.requireNonNull(plugin, "plugin is null");
        Objects.requireNonNull(agent, "agent is null");
        findings = List.copyOf(findings);
        plan = List.copyOf(plan);
    }

    /** Returns whether pods fail, or are not redirected, until an operator intervenes. */
    public boolean hasErrors() {
        return findings.stream().anyMatch(finding -> finding.severity() == Severity.ERROR);
    }
}
