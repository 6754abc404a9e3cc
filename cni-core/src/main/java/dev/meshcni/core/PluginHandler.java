package dev.meshcni.core;

import dev.meshcni.api.Attachment;
import dev.meshcni.api.CniArgs;
import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The plugin's verbs, as the agent carries them out (CNI specification 1.1, section 2).
 *
 * <p>Every call gives an {@link Answer}: whatever comes in, and whatever fails, the runtime gets a result or a CNI error.
 */
public final class PluginHandler {
    private static final System.Logger LOG = System.getLogger(PluginHandler.class.getName());

    private final PodSource pods;
    private final Supplier<Optional<String>> notReady;
    private final Backends backends;
    private final Duration podPatience;
    private final RedirectPolicy policy = new RedirectPolicy(Set.of());
    private final PrevResultCheck prevResultCheck;
    private final Attachments attachments;
    private final HeavyCalls heavyCalls = new HeavyCalls();

    /** A handler that is ready as soon as the pods are known, and that remembers nothing beyond its own end. */
    public PluginHandler(PodSource pods, Backends backends, PrevResultCheck prevResultCheck, Duration podPatience) {
        this(pods, pods::notReady, backends, prevResultCheck, podPatience, AttachmentStore.NONE);
    }

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
        this.pods = Objects.requireNonNull(pods, "pods is null");
        this.notReady = Objects.requireNonNull(notReady, "notReady is null");
        this.backends = Objects.requireNonNull(backends, "backends is null");
        this.prevResultCheck = Objects.requireNonNull(prevResultCheck, "prevResultCheck is null");
        this.podPatience = Objects.requireNonNull(podPatience, "podPatience is null");
        this.attachments = new Attachments(store);
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
            return Answers.refusal(call, e);
        }
        try {
            return switch (request.environment().command()) {
                case ADD -> add(request, deadline);
                case DEL -> del(request, deadline);
                case CHECK -> check(request, deadline);
                case GC -> gc(request);
                case STATUS -> status(request);
                case VERSION ->
                    Answers.of(request, PluginReplies.version(request.config().cniVersion()), Outcome.OK, "");
            };
        } catch (RuntimeException | LinkageError | StackOverflowError e) {
            return Answer.failure(
                    request.environment().command().name(),
                    Answers.podName(request),
                    request.config().cniVersion(),
                    asCniException(e));
        }
    }

    private Answer add(CniRequest request, Deadline deadline) {
        Optional<String> passes =
                Exemption.withoutLook(request.config(), request.environment().args());
        if (passes.isPresent()) {
            return Answers.of(request, PassedOn.reply(request), Outcome.SKIPPED, passes.get())
                    .withCause("exempt");
        }
        Pod pod = findPod(request, deadline);
        try (HeavyCalls.Place place = heavyCalls.begin(pod, deadline)) {
            return switch (policy.decide(pod)) {
                case Decision.Skip skip ->
                    Answers.of(request, PassedOn.reply(request), Outcome.SKIPPED, skip.detail())
                            .withCause(skip.reason().label());
                case Decision.Redirect redirect -> {
                    prevResultCheck.verify(request);
                    place.goOnWith(redirect.parameters());
                    PodPlan plan = redirect(request, pod, redirect.parameters(), deadline);
                    yield Answers.of(request, PassedOn.reply(request), Outcome.REDIRECTED, describe(plan))
                            .withEffect(new Answer.Effect(
                                    plan.ruleCount(), plan.uncovered().size()));
                }
            };
        }
    }

    private PodPlan redirect(CniRequest request, Pod pod, RedirectParameters parameters, Deadline deadline) {
        try (NamespaceHandle netns = open(request, backends.of(request.config()), deadline)) {
            PodPlan plan = plan(request, parameters, netns);
            Runnable takeBack = attachments.add(stored(request, pod, netns.id()));
            try {
                netns.apply(plan.redirect());
            } catch (RuntimeException | Error e) {
                takeBack.run();
                throw e;
            }
            return plan;
        }
    }

    private Answer check(CniRequest request, Deadline deadline) {
        Optional<String> passes =
                Exemption.withoutLook(request.config(), request.environment().args());
        if (passes.isPresent()) {
            return Answers.of(request, PluginReplies.empty(), Outcome.OK, passes.get());
        }
        Pod pod = findPod(request, deadline);
        try (HeavyCalls.Place place = heavyCalls.begin(pod, deadline)) {
            return switch (policy.decide(pod)) {
                case Decision.Skip skip -> Answers.of(request, PluginReplies.empty(), Outcome.OK, skip.detail());
                case Decision.Redirect redirect -> {
                    prevResultCheck.verify(request);
                    place.goOnWith(redirect.parameters());
                    PodPlan plan = compare(request, redirect.parameters(), deadline);
                    yield Answers.of(request, PluginReplies.empty(), Outcome.OK, describe(plan));
                }
            };
        }
    }

    private PodPlan compare(CniRequest request, RedirectParameters parameters, Deadline deadline) {
        try (NamespaceHandle netns = open(request, backends.of(request.config()), deadline)) {
            attachments
                    .find(request.config().name(), attachment(request))
                    .filter(added -> !added.namespace().isSame(netns.id()))
                    .ifPresent(added -> {
                        throw new CniException(
                                PluginErrorCode.NOT_AS_ADDED,
                                "CNI_NETNS of pod " + Answers.podName(request) + " is " + netns.id()
                                        + ", but ADD redirected " + added.namespace(),
                                "the path now refers to another network namespace");
                    });
            PodPlan plan = plan(request, parameters, netns);
            List<RuleDifference> differences = differences(request, netns, plan);
            if (!differences.isEmpty()) {
                throw new CniException(
                        PluginErrorCode.NOT_AS_ADDED,
                        "traffic redirection of pod " + Answers.podName(request) + " differs from what ADD set up: "
                                + differences.size() + (differences.size() == 1 ? " difference" : " differences"),
                        differences.stream().map(RuleDifference::toString).collect(Collectors.joining("; ")));
            }
            return plan;
        }
    }

    private static List<RuleDifference> differences(CniRequest request, NamespaceHandle netns, PodPlan plan) {
        try {
            return netns.differences(plan.redirect());
        } catch (UnreadableRulesException e) {
            throw new CniException(
                    PluginErrorCode.NOT_AS_ADDED,
                    "traffic redirection of pod " + Answers.podName(request) + " cannot be read",
                    e.getMessage(),
                    e);
        }
    }

    /**
     * Takes our rules out of the namespace into which the ADD of this attachment has put them, unless another attachment needs them
     * there. What cannot be taken out ends with the namespace, so nothing that happens here lets DEL fail (CNI specification 1.1,
     * section 2, "DEL").
     */
    private Answer del(CniRequest request, Deadline deadline) {
        Optional<AttachmentStore.Stored> known =
                attachments.find(request.config().name(), attachment(request));
        return Answers.of(
                request,
                PluginReplies.empty(),
                Outcome.OK,
                known.map(added -> undo(request, added, deadline)).orElse("nothing to remove"));
    }

    /** Returns the outcome, for the log. */
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
                    "DEL " + Answers.podName(request) + ": cannot remove rules, they are removed with the network"
                            + " namespace",
                    e);
            return "rules are removed with the network namespace: " + e.getMessage();
        } finally {
            attachments.remove(added);
        }
    }

    private Answer gc(CniRequest request) {
        int dropped = request.config()
                .validAttachments()
                .map(valid -> attachments.retain(request.config().name(), valid))
                .orElse(0);
        return Answers.of(request, PluginReplies.empty(), Outcome.OK, dropped + " attachments dropped");
    }

    private Answer status(CniRequest request) {
        Optional<String> missing = notReady.get();
        if (missing.isPresent()) {
            throw new CniException(
                    ErrorCode.PLUGIN_NOT_AVAILABLE, "the mesh-cni agent on this node is not ready", missing.get());
        }
        return Answers.of(request, PluginReplies.empty(), Outcome.OK, "ready");
    }

    private Pod findPod(CniRequest request, Deadline deadline) {
        CniArgs args = request.environment().args();
        String namespace = args.podNamespace().orElseThrow();
        String name = args.podName().orElseThrow();
        String uid = args.podUid().orElse("");
        return pods.find(namespace, name, uid, this::isDoubtful, deadline.atMost(podPatience))
                .orElseThrow(() -> new PodSourceException(
                        "pod " + namespace + "/" + name + (uid.isEmpty() ? "" : " with UID " + uid) + " not found"));
    }

    /** Returns whether it would be skipped or rejected: stale data must not decide that. */
    private boolean isDoubtful(Pod pod) {
        try {
            return policy.decide(pod) instanceof Decision.Skip;
        } catch (InvalidParameterException e) {
            return true;
        }
    }

    /** The rules that the pod's namespace needs, for the addresses that it has. */
    private static PodPlan plan(CniRequest request, RedirectParameters parameters, NamespaceHandle netns) {
        List<InetAddress> promised = request.config().prevResult().stream()
                .flatMap(result -> result.ips().stream())
                .map(ip -> ip.address().address())
                .toList();
        PodPlan plan = PodPlan.of(parameters, netns, promised);
        if (!plan.uncovered().isEmpty()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "pod {0}: proxy does not listen on IPv6, traffic of {1} is not redirected",
                    Answers.podName(request),
                    plan.uncovered());
        }
        return plan;
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
                Answers.podName(request),
                pod.uid(),
                environment.netns(),
                namespace);
    }

    private static NamespaceHandle open(CniRequest request, RedirectBackend backend, Deadline deadline) {
        String text = request.environment().netns();
        try {
            NamespaceHandle netns = backend.open(Path.of(text), deadline);
            if (netns.isOwn()) {
                netns.close();
                throw new NetnsException("'" + text + "' is the agent's own network namespace, not a pod's");
            }
            return netns;
        } catch (InvalidPathException e) {
            throw new NetnsException("'" + text + "' is not a path", e);
        }
    }
}
