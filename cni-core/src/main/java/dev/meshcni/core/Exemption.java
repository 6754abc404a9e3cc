// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniArgs;
import dev.meshcni.api.ConfigFields;
import java.util.Collection;
import java.util.Optional;

/**
 * The attachments that pass based on the runtime's parameters alone, without looking up the pod.
 *
 * <p>They are what a node needs to come up when the agent cannot answer yet: pods of excluded namespaces, and the
 * agent's own pod, which would otherwise wait for itself after a reboot.
 */
public final class Exemption {
    /** The name that every pod of the agent's DaemonSet starts with. */
    static final String AGENT_POD_PREFIX = "istio-cni-node-";

    private Exemption() {}

    /**
     * Why pods of a namespace are left alone; empty when they are not.
     *
     * @param excluded the excluded namespaces
     */
    public static Optional<String> ofNamespace(String namespace, Collection<String> excluded) {
        return excluded.contains(namespace) ? Optional.of("namespace " + namespace + " is excluded") : Optional.empty();
    }

    /** Why an attachment passes although nobody can look at its pod; empty when it does not. */
    public static Optional<String> withoutAgent(ConfigFields config, CniArgs args) {
        return withoutLook(config, args).or(() -> agentPod(config, args));
    }

    /**
     * Returns the reason why an attachment passes without looking up its pod, even if it could be; empty if it does not
     * pass.
     */
    static Optional<String> withoutLook(ConfigFields config, CniArgs args) {
        return notAPod(args).or(() -> excludedNamespace(config, args));
    }

    private static Optional<String> notAPod(CniArgs args) {
        return args.podNamespace().isEmpty() || args.podName().isEmpty()
                ? Optional.of("not a Kubernetes pod")
                : Optional.empty();
    }

    private static Optional<String> excludedNamespace(ConfigFields config, CniArgs args) {
        return args.podNamespace().flatMap(namespace -> ofNamespace(namespace, config.strings("exclude_namespaces")));
    }

    private static Optional<String> agentPod(ConfigFields config, CniArgs args) {
        Optional<String> agentNamespace = config.text("pod_namespace").filter(text -> !text.isEmpty());
        boolean own = agentNamespace.isPresent()
                && agentNamespace.equals(args.podNamespace())
                && args.podName().orElse("").startsWith(AGENT_POD_PREFIX);
        return own ? Optional.of("the agent's own pod") : Optional.empty();
    }
}
