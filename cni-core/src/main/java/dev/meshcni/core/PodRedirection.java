// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.Attachment;
import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.IpNet;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.PodPlan;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The redirection of pods in their network namespaces: set up, compared and taken out, for one attachment at a time.
 */
final class PodRedirection {
    private static final System.Logger LOG = System.getLogger(PodRedirection.class.getName());

    private final Backends backends;
    private final Attachments attachments;
    private final CompiledPlans plans = new CompiledPlans();

    PodRedirection(Backends backends, Attachments attachments) {
        this.backends = Objects.requireNonNull(backends, "backends is null");
        this.attachments = attachments;
    }

    /** Begins to open the namespace of a pod, so that this goes on while its caller finds out what the pod asks for. */
    NamespaceHandle begin(CniRequest request, Deadline deadline) {
        return backends.of(request.config()).begin(netns(request), deadline);
    }

    /**
     * Redirects the traffic of a pod (ADD).
     *
     * @param netns the pod's namespace, which need not be open yet
     * @return what was set up and verified
     * @throws RedirectException if that fails; the namespace is then as it was
     */
    PodPlan add(CniRequest request, Pod pod, RedirectParameters parameters, NamespaceHandle netns) {
        requirePods(request, netns);
        // The namespace's addresses are listed meanwhile.
        Runnable takeBack = attachments.add(stored(request, pod, netns.id()));
        try {
            PodPlan plan = plan(request, parameters, netns);
            netns.apply(plan.redirect());
            return plan;
        } catch (RuntimeException | Error e) {
            takeBack.run();
            throw e;
        }
    }

    /**
     * Compares the redirection of a pod with what ADD would set up (CHECK).
     *
     * @return what is set up
     * @throws CniException with {@link PluginErrorCode#NOT_AS_ADDED}, which names each difference
     */
    PodPlan check(CniRequest request, RedirectParameters parameters, Deadline deadline) {
        try (NamespaceHandle netns = open(request, backends.of(request.config()), deadline)) {
            attachments
                    .find(request.config().name(), attachment(request))
                    .filter(added -> !added.namespace().isSame(netns.id()))
                    .ifPresent(added -> {
                        throw new CniException(
                                PluginErrorCode.NOT_AS_ADDED,
                                "CNI_NETNS of pod " + podName(request) + " is " + netns.id() + ", but ADD redirected "
                                        + added.namespace(),
                                "the path now refers to another network namespace");
                    });
            PodPlan plan = plan(request, parameters, netns);
            requireNone(
                    request,
                    texts(differences(request, netns, List.of(plan.redirect()))),
                    "differs from what ADD set up");
            return plan;
        }
    }

    /**
     * Compares the rules of an ambient pod, whoever has written them, with those that it should have (CHECK).
     *
     * @param missing what else is known to be missing
     * @throws CniException with {@link PluginErrorCode#NOT_AS_ADDED}, which names each difference
     */
    void check(CniRequest request, AmbientOptions options, List<String> missing, Deadline deadline) {
        try (NamespaceHandle netns = open(request, backends.of(request.config()), deadline)) {
            List<RedirectPlan> plans = AmbientRules.acceptable(options, addresses(request, netns));
            List<String> differences = new ArrayList<>(missing);
            differences.addAll(texts(differences(request, netns, plans)));
            requireNone(request, differences, "differs from what an ambient pod needs");
        }
    }

    private static void requireNone(CniRequest request, List<String> differences, String what) {
        if (!differences.isEmpty()) {
            throw new CniException(
                    PluginErrorCode.NOT_AS_ADDED,
                    "traffic redirection of pod " + podName(request) + " " + what + ": " + differences.size()
                            + (differences.size() == 1 ? " difference" : " differences"),
                    String.join("; ", differences));
        }
    }

    private static List<String> texts(List<RuleDifference> differences) {
        return differences.stream().map(RuleDifference::toString).toList();
    }

    /** The differences from the first of some plans; none if the namespace is as one of them says. */
    private static List<RuleDifference> differences(
            CniRequest request, NamespaceHandle netns, List<RedirectPlan> plans) {
        try {
            return AmbientRules.differences(plans, netns::differences);
        } catch (UnreadableRulesException e) {
            throw new CniException(
                    PluginErrorCode.NOT_AS_ADDED,
                    "traffic redirection of pod " + podName(request) + " cannot be read",
                    e.getMessage(),
                    e);
        }
    }

    /**
     * Takes our rules out of the namespace into which the ADD of this attachment has put them, unless another
     * attachment needs them there (DEL). What cannot be taken out ends with the namespace, so nothing that happens here
     * lets DEL fail (CNI specification 1.1, section 2, "DEL").
     *
     * @return what came of it, in words
     */
    String remove(CniRequest request, Deadline deadline) {
        return attachments
                .find(request.config().name(), attachment(request))
                .map(added -> undo(request, added, deadline))
                .orElse("nothing to remove");
    }

    private String undo(CniRequest request, AttachmentStore.Stored added, Deadline deadline) {
        try {
            if (request.environment().netns().isEmpty()) {
                return "network namespace is gone";
            }
            try (NamespaceHandle netns = open(request, backends.forRemoval(request.config()), deadline)) {
                if (!netns.id().isSame(added.namespace())) {
                    return "network namespace is gone, its path refers to another one";
                }
                // While we hold the namespace: of two concurrent DELs, the last one must find no other attachment.
                attachments.remove(added);
                List<AttachmentStore.Stored> others = attachments.besides(added);
                if (!others.isEmpty()) {
                    return "rules kept: " + others.getFirst().ifName() + " of container "
                            + others.getFirst().containerId() + " is redirected in the same network namespace";
                }
                netns.remove();
                return "removed";
            }
        } catch (NetnsException e) {
            return "network namespace is gone";
        } catch (RedirectException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "DEL " + podName(request) + ": cannot remove rules, they are removed with the network namespace",
                    e);
            return "rules are removed with the network namespace: " + e.getMessage();
        } finally {
            attachments.remove(added);
        }
    }

    /** The rules and routes for the pod's namespace, for the addresses that it has. */
    private PodPlan plan(CniRequest request, RedirectParameters parameters, NamespaceHandle netns) {
        PodPlan plan = PodPlan.of(parameters, addresses(request, netns), plans::of);
        if (!plan.uncovered().isEmpty()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "pod {0}: proxy does not listen on IPv6, traffic of {1} is not redirected",
                    podName(request),
                    plan.uncovered().stream().map(IpNet::text).toList());
        }
        return plan;
    }

    /** Those that the namespace has, then those that the base CNI has promised. */
    private static List<InetAddress> addresses(CniRequest request, NamespaceHandle netns) {
        return Stream.concat(netns.addresses().stream(), promised(request).stream())
                .distinct()
                .toList();
    }

    /** Those that the base CNI has promised. */
    static List<InetAddress> promised(CniRequest request) {
        return request.config().prevResult().stream()
                .flatMap(result -> result.ips().stream())
                .map(ip -> ip.address().address())
                .toList();
    }

    private static Attachment attachment(CniRequest request) {
        CniEnvironment environment = request.environment();
        return new Attachment(environment.containerId(), environment.ifName());
    }

    private static AttachmentStore.Stored stored(CniRequest request, Pod pod, NamespaceId namespace) {
        CniEnvironment environment = request.environment();
        return new AttachmentStore.Stored(
                request.config().name(),
                environment.containerId(),
                environment.ifName(),
                podName(request),
                pod.uid(),
                environment.netns(),
                namespace);
    }

    private static NamespaceHandle open(CniRequest request, RedirectBackend backend, Deadline deadline) {
        Path path = netns(request);
        NamespaceHandle netns = backend.open(path, deadline);
        try {
            requirePods(request, netns);
        } catch (NetnsException e) {
            netns.close();
            throw e;
        }
        return netns;
    }

    private static void requirePods(CniRequest request, NamespaceHandle netns) {
        if (netns.isOwn()) {
            throw new NetnsException(
                    "'" + request.environment().netns() + "' is the agent's own network namespace, not a pod's");
        }
    }

    /**
     * The path of the pod's network namespace, as the runtime names it.
     *
     * @throws NetnsException if it is no path
     */
    static Path netns(CniRequest request) {
        String text = request.environment().netns();
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new NetnsException("'" + text + "' is not a path", e);
        }
    }

    private static String podName(CniRequest request) {
        return request.environment().args().qualifiedPodName();
    }
}
