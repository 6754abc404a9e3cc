// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.AmbientEngine;
import dev.meshcni.ambient.AmbientException;
import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.core.AmbientMesh;
import dev.meshcni.core.PluginErrorCode;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.Pod;
import dev.meshcni.ztunnel.ZtunnelException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The mesh of this node's ztunnel, for the plugin's verbs. */
final class NodeMesh implements AmbientMesh {
    private static final Logger LOG = LoggerFactory.getLogger(NodeMesh.class);

    /** Less than runtimes wait for all plugins of a network; what fails is tried again in a new sandbox. */
    private static final Duration TIME_FOR_ADD = Duration.ofSeconds(20);

    private static final Duration TIME_FOR_DEL = Duration.ofSeconds(5);

    private final EnrolmentDecision decision;
    private final AmbientEngine engine;
    private final NamespaceRules rules;
    private final Supplier<Optional<String>> notReady;

    /** @param notReady why pods cannot join yet; empty once they can */
    NodeMesh(
            EnrolmentDecision decision,
            AmbientEngine engine,
            NamespaceRules rules,
            Supplier<Optional<String>> notReady) {
        this.decision = requireNonNull(decision, "decision is null");
        this.engine = requireNonNull(engine, "engine is null");
        this.rules = requireNonNull(rules, "rules is null");
        this.notReady = requireNonNull(notReady, "notReady is null");
    }

    @Override
    public boolean wants(Pod pod, Deadline deadline) {
        return decision.wants(pod, deadline);
    }

    @Override
    public int add(Pod pod, List<InetAddress> addresses, Path netns, Deadline deadline) {
        notReady.get().ifPresent(reason -> {
            throw new PodSourceException("pod " + pod.qualifiedName() + " cannot join the ambient mesh yet: " + reason);
        });
        AmbientPod member = MeshPods.of(pod, addresses);
        try {
            engine.add(member, netns, Deadline.after(deadline.atMost(TIME_FOR_ADD)));
        } catch (AmbientException e) {
            throw asCniException(e);
        }
        return rules.ruleCount(member);
    }

    @Override
    public Optional<String> delete(String namespace, String name, String uid, Path netns, Deadline deadline) {
        List<String> candidates = Stream.concat(
                        Stream.of(uid).filter(one -> engine.pod(one).isPresent()),
                        engine.pods().stream().filter(one -> isNamed(one, namespace, name)))
                .distinct()
                .toList();
        for (String candidate : candidates) {
            try {
                if (engine.delete(candidate, netns, Deadline.after(deadline.atMost(TIME_FOR_DEL)))) {
                    return Optional.of("left the ambient mesh");
                }
            } catch (AmbientException e) {
                LOG.warn("DEL {}/{}: {}", namespace, name, e.getMessage());
                return Optional.of("leaves the ambient mesh: " + e.getMessage());
            }
        }
        return Optional.empty();
    }

    @Override
    public List<String> missing(Pod pod) {
        try {
            return engine.pod(pod.uid())
                    .map(member -> engine.missing(member, Deadline.after(TIME_FOR_DEL)))
                    .orElse(List.of("the agent has not enrolled the pod"));
        } catch (AmbientException e) {
            return List.of(e.getMessage());
        }
    }

    private boolean isNamed(String uid, String namespace, String name) {
        return engine.pod(uid)
                .filter(pod -> pod.namespace().equals(namespace) && pod.name().equals(name))
                .isPresent();
    }

    /** What ztunnel does not do now it may do in the next attempt. */
    private static CniException asCniException(AmbientException failure) {
        String message = "joining the ambient mesh failed: " + failure.getMessage();
        return failure.getCause() instanceof ZtunnelException ztunnel
                        && ztunnel.reason() != ZtunnelException.Reason.REFUSED
                ? new CniException(ErrorCode.TRY_AGAIN_LATER, message, "the runtime retries automatically", failure)
                : new CniException(PluginErrorCode.REDIRECT_FAILED, message, "", failure);
    }
}
