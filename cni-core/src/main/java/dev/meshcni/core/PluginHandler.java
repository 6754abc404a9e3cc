// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniArgs;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.PodPlan;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.rules.InvalidParameterException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The plugin's verbs, as the agent carries them out (CNI specification 1.1, section 2).
 *
 * <p>Every call gives an {@link Answer}: whatever comes in, and whatever fails, the runtime gets a result or a CNI
 * error.
 */
public final class PluginHandler {
    private static final System.Logger LOG = System.getLogger(PluginHandler.class.getName());

    private final PodSource pods;
    private final Supplier<Optional<String>> notReady;
    private final Duration podPatience;
    private final PrevResultCheck prevResultCheck;
    private final Attachments attachments;
    private final PodRedirection redirection;
    private final AmbientOptions.Node ambientNode;
    private final AmbientMesh mesh;
    private final HeavyCalls heavyCalls = new HeavyCalls();

    /**
     * @param pods where the pods of this node are known
     * @param notReady why this node is not ready for pods, which STATUS says; empty when it is
     * @param backends the backends of this node
     * @param prevResultCheck what the base CNI must have left
     * @param podPatience how long an ADD waits for a pod that is not known yet
     * @param store what earlier agents have redirected, and where this one keeps it
     */
    public PluginHandler(
            PodSource pods,
            Supplier<Optional<String>> notReady,
            Backends backends,
            PrevResultCheck prevResultCheck,
            Duration podPatience,
            AttachmentStore store) {
        this(
                pods,
                notReady,
                backends,
                prevResultCheck,
                podPatience,
                store,
                AmbientOptions.Node.STANDARD,
                AmbientMesh.OF_OTHERS);
    }

    /**
     * A handler of a node for ambient pods.
     *
     * @param ambientNode what the node decides about them, by which CHECK compares them
     * @param mesh what they join
     */
    public PluginHandler(
            PodSource pods,
            Supplier<Optional<String>> notReady,
            Backends backends,
            PrevResultCheck prevResultCheck,
            Duration podPatience,
            AttachmentStore store,
            AmbientOptions.Node ambientNode,
            AmbientMesh mesh) {
        this.pods = Objects.requireNonNull(pods, "pods is null");
        this.notReady = Objects.requireNonNull(notReady, "notReady is null");
        this.prevResultCheck = Objects.requireNonNull(prevResultCheck, "prevResultCheck is null");
        this.podPatience = Objects.requireNonNull(podPatience, "podPatience is null");
        this.ambientNode = Objects.requireNonNull(ambientNode, "ambientNode is null");
        this.mesh = Objects.requireNonNull(mesh, "mesh is null");
        this.attachments = new Attachments(store);
        this.redirection = new PodRedirection(backends, attachments);
    }

    /**
     * Forgets what earlier agents have redirected in namespaces that are gone.
     *
     * @param backend what finds that out
     * @param patience the time limit; attachments not checked by then are kept
     * @return how many attachments were forgotten
     */
    public int forgetGone(RedirectBackend backend, Duration patience) {
        Deadline deadline = Deadline.after(patience);
        return attachments.forgetRecalled(
                attachment -> !deadline.remaining().isZero() && isGone(backend, attachment, deadline));
    }

    private static boolean isGone(RedirectBackend backend, AttachmentStore.Stored attachment, Deadline deadline) {
        try (NamespaceHandle netns = backend.open(Path.of(attachment.netns()), deadline)) {
            return !netns.id().isSame(attachment.namespace());
        } catch (NetnsException | InvalidPathException e) {
            return true;
        } catch (RedirectException e) {
            return false;
        }
    }

    /** The attachments that are redirected now. */
    public Attachments attachments() {
        return attachments;
    }

    /**
     * Carries out one call of the plugin.
     *
     * @param call what the plugin was called with
     * @param budget how long it may take in all
     */
    public Answer handle(AgentProtocol.Request call, Duration budget) {
        Deadline deadline = Deadline.after(budget);
        CniRequest request;
        try {
            request = CniRequest.parse(call.environment(), call.stdin());
        } catch (CniException e) {
            return Answer.refusal(call, e);
        }
        try {
            return switch (request.environment().command()) {
                case ADD -> add(request, deadline);
                case DEL -> del(request, deadline);
                case CHECK -> check(request, deadline);
                case GC -> gc(request);
                case STATUS -> status(request);
                case VERSION ->
                    Answer.of(request, PluginReplies.version(request.config().cniVersion()), Outcome.OK, "");
            };
        } catch (RuntimeException | LinkageError | StackOverflowError e) {
            return Answer.failure(request, asCniException(e));
        }
    }

    private Answer add(CniRequest request, Deadline deadline) {
        Optional<String> passes =
                Exemption.withoutLook(request.config(), request.environment().args());
        if (passes.isPresent()) {
            return Answer.of(request, PrevResultReply.reply(request), Outcome.SKIPPED, passes.get())
                    .withCause("exempt");
        }
        AskedFor asked = new AskedFor();
        Pod pod = findPod(request, asked, deadline);
        if (mesh.wants(pod, deadline)) {
            return join(request, pod, deadline);
        }
        try (HeavyCalls.Place place = heavyCalls.begin(pod, deadline)) {
            Optional<Decision.Skip> skip = RedirectPolicy.skip(pod);
            if (skip.isPresent()) {
                return Answer.of(
                                request,
                                PrevResultReply.reply(request),
                                Outcome.SKIPPED,
                                skip.get().detail())
                        .withCause(skip.get().reason().label());
            }
            PodPlan plan = redirect(request, pod, asked, place, deadline);
            return Answer.of(request, PrevResultReply.reply(request), Outcome.REDIRECTED, describe(plan))
                    .withEffect(
                            new Answer.Effect(plan.ruleCount(), plan.uncovered().size()));
        }
    }

    private PodPlan redirect(CniRequest request, Pod pod, AskedFor asked, HeavyCalls.Place place, Deadline deadline) {
        RedirectParameters parameters;
        try (NamespaceHandle netns = redirection.begin(request, deadline)) {
            parameters = asked.parameters(pod);
            prevResultCheck.verify(request);
            if (place.goesOnAtOnce(parameters)) {
                return redirection.add(request, pod, parameters, netns);
            }
        }
        // While it waits it keeps no namespace from others.
        place.goOnWith(parameters);
        try (NamespaceHandle netns = redirection.begin(request, deadline)) {
            return redirection.add(request, pod, parameters, netns);
        }
    }

    private Answer join(CniRequest request, Pod pod, Deadline deadline) {
        prevResultCheck.verify(request);
        int rules = mesh.add(pod, PodRedirection.promised(request), PodRedirection.netns(request), deadline);
        return Answer.of(request, PrevResultReply.reply(request), Outcome.REDIRECTED, "in the ambient mesh")
                .withCause("ambient")
                .withEffect(new Answer.Effect(rules, 0));
    }

    private Answer check(CniRequest request, Deadline deadline) {
        Optional<String> passes =
                Exemption.withoutLook(request.config(), request.environment().args());
        if (passes.isPresent()) {
            return Answer.of(request, PluginReplies.empty(), Outcome.OK, passes.get());
        }
        AskedFor asked = new AskedFor();
        Pod pod = findPod(request, asked, deadline);
        if (mesh.hasMember(pod, deadline)) {
            redirection.check(request, AmbientOptions.of(pod, ambientNode), mesh.missing(pod), deadline);
            return Answer.of(request, PluginReplies.empty(), Outcome.OK, "ambient pod");
        }
        try (HeavyCalls.Place place = heavyCalls.begin(pod, deadline)) {
            Optional<Decision.Skip> skip = RedirectPolicy.skip(pod);
            if (skip.isPresent()) {
                return Answer.of(
                        request, PluginReplies.empty(), Outcome.OK, skip.get().detail());
            }
            RedirectParameters parameters = asked.parameters(pod);
            prevResultCheck.verify(request);
            place.goOnWith(parameters);
            PodPlan plan = redirection.check(request, parameters, deadline);
            return Answer.of(request, PluginReplies.empty(), Outcome.OK, describe(plan));
        }
    }

    private Answer del(CniRequest request, Deadline deadline) {
        Optional<String> left = leave(request, deadline);
        String removed = redirection.remove(request, deadline);
        return Answer.of(request, PluginReplies.empty(), Outcome.OK, left.orElse(removed));
    }

    /** Only a pod has joined the mesh; where the runtime gives no namespace, it has ended with the sandbox. */
    private Optional<String> leave(CniRequest request, Deadline deadline) {
        CniArgs args = request.environment().args();
        if (args.podNamespace().isEmpty()
                || args.podName().isEmpty()
                || request.environment().netns().isEmpty()) {
            return Optional.empty();
        }
        try {
            return mesh.delete(
                    args.podNamespace().get(),
                    args.podName().get(),
                    args.podUid().orElse(""),
                    PodRedirection.netns(request),
                    deadline);
        } catch (NetnsException e) {
            return Optional.empty();
        }
    }

    private Answer gc(CniRequest request) {
        int dropped = request.config()
                .validAttachments()
                .map(valid -> attachments.retain(request.config().name(), valid))
                .orElse(0);
        return Answer.of(request, PluginReplies.empty(), Outcome.OK, dropped + " attachments dropped");
    }

    private Answer status(CniRequest request) {
        Optional<String> missing = notReady.get();
        if (missing.isPresent()) {
            throw new CniException(
                    ErrorCode.PLUGIN_NOT_AVAILABLE, "the mesh-cni agent on this node is not ready", missing.get());
        }
        return Answer.of(request, PluginReplies.empty(), Outcome.OK, "ready");
    }

    private Pod findPod(CniRequest request, AskedFor asked, Deadline deadline) {
        CniArgs args = request.environment().args();
        String namespace = args.podNamespace().orElseThrow();
        String name = args.podName().orElseThrow();
        String uid = args.podUid().orElse("");
        return pods.find(namespace, name, uid, pod -> isDoubtful(pod, asked), deadline.atMost(podPatience))
                .orElseThrow(() -> new PodSourceException(
                        "pod " + namespace + "/" + name + (uid.isEmpty() ? "" : " with UID " + uid) + " not found"));
    }

    /** Returns whether it would be skipped or rejected: stale data must not decide that. */
    private boolean isDoubtful(Pod pod, AskedFor asked) {
        try {
            if (RedirectPolicy.skip(pod).isPresent()) {
                return !mesh.wants(pod, Deadline.after(Duration.ZERO));
            }
            asked.parameters(pod);
            return false;
        } catch (InvalidParameterException | PodSourceException e) {
            return true;
        }
    }

    private static String describe(PodPlan plan) {
        return plan.redirect().ruleSets().stream()
                .map(set -> set.family().label() + " " + set.ruleCount() + " rules")
                .collect(Collectors.joining(", "));
    }

    private static CniException asCniException(Throwable failure) {
        return switch (failure) {
            case CniException e -> e;
            case InvalidParameterException e -> new CniException(PluginErrorCode.INVALID_POD, e.getMessage(), "", e);
            case PodSourceException e ->
                new CniException(ErrorCode.TRY_AGAIN_LATER, e.getMessage(), "the runtime retries automatically", e);
            case NetnsException e ->
                new CniException(ErrorCode.INVALID_ENVIRONMENT, "CNI_NETNS: " + e.getMessage(), "", e);
            case RedirectException e ->
                new CniException(
                        PluginErrorCode.REDIRECT_FAILED, "traffic redirection failed: " + e.getMessage(), "", e);
            default -> {
                LOG.log(System.Logger.Level.ERROR, "internal error of the agent", failure);
                yield new CniException(
                        PluginErrorCode.INTERNAL, "internal error: " + failure, "check the agent's log", failure);
            }
        };
    }
}
