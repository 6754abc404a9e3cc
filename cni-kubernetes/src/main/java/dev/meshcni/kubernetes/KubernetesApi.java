// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.config.DaemonException;
import io.fabric8.kubernetes.api.model.DeleteOptions;
import io.fabric8.kubernetes.api.model.DeleteOptionsBuilder;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.api.model.TaintBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.policy.v1.Eviction;
import io.fabric8.kubernetes.api.model.policy.v1.EvictionBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.informers.cache.ReducedStateItemStore;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URLEncoder;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that this daemon asks of the API server, in one place: {@code docs/rbac.md} says for each what it is needed for.
 */
public final class KubernetesApi implements AutoCloseable {
    /** The outcome of a deletion or eviction. */
    public enum Removal {
        /** It goes. */
        DONE,
        /** It had gone already. */
        GONE,
        /** It is not as it was when this was decided. */
        CHANGED,
        /** Its disruption budget, or the API server's load, does not allow it now. */
        BLOCKED
    }

    /**
     * A right to make a kind of request.
     *
     * @param verb such as {@code watch}
     * @param group the API group, empty for the core group
     * @param resource in the plural, with a subresource behind a slash: {@code pods/status}
     * @param namespace empty for all namespaces, and for resources that have none
     * @param name the only object; empty for all
     */
    public record Right(String verb, String group, String resource, Optional<String> namespace, Optional<String> name) {
        public Right {
            requireNonNull(verb, "verb is null");
            requireNonNull(group, "group is null");
            requireNonNull(resource, "resource is null");
            requireNonNull(namespace, "namespace is null");
            requireNonNull(name, "name is null");
        }

        private Map<String, String> attributes() {
            int slash = resource.indexOf('/');
            return Map.of(
                    "verb",
                    verb,
                    "group",
                    group,
                    "resource",
                    slash < 0 ? resource : resource.substring(0, slash),
                    "subresource",
                    slash < 0 ? "" : resource.substring(slash + 1),
                    "namespace",
                    namespace.orElse(""),
                    "name",
                    name.orElse(""));
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(KubernetesApi.class);
    private static final String ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int MAX_MESSAGE = 1024;
    private static final int RETRIES = 1;
    private static final int RETRY_INTERVAL_MILLIS = 200;
    private static final int RECONNECT_INTERVAL_MILLIS = 500;

    /** The page size of pod lists. */
    private static final int PAGE = 100;

    /** The timeout of a watch, after which the API server closes it. */
    static final Duration WATCH = Duration.ofMinutes(2);

    private final KubernetesClient client;
    private final String nodeName;
    private final Duration requestTimeout;

    private KubernetesApi(KubernetesClient client, String nodeName, Duration requestTimeout) {
        this.client = client;
        this.nodeName = nodeName;
        this.requestTimeout = requestTimeout;
    }

    /**
     * Prepares the access; nothing is sent yet, so that an API server that does not answer is no reason to fail.
     *
     * @throws DaemonException if the kubeconfig cannot be read
     */
    public static KubernetesApi open(KubernetesSettings settings) {
        requireNonNull(settings, "settings is null");
        ApiAccess access = ClientConfig.of(settings.kubeconfig(), Optional.empty(), settings.requestTimeout());
        access.config().setRequestRetryBackoffLimit(RETRIES);
        access.config().setRequestRetryBackoffInterval(RETRY_INTERVAL_MILLIS);
        access.config().setWatchReconnectInterval(RECONNECT_INTERVAL_MILLIS);
        return new KubernetesApi(
                access.client()
                        .withKubernetesSerialization(ApiSerialization.create())
                        .build(),
                settings.nodeName(),
                settings.requestTimeout());
    }

    /** The node that this daemon serves. */
    public String nodeName() {
        return nodeName;
    }

    @Override
    public void close() {
        client.close();
    }

    /**
     * A page of the pods of this node, as a stream of JSON.
     *
     * @param next the token that the page before gave; empty for the first page
     * @param cached whether the list may come from the cache of an API server, which then gives all pages at once
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    InputStream listPods(String next, boolean cached) {
        String from = next.isEmpty() ? (cached ? "&resourceVersion=0" : "") : "&continue=" + encoded(next);
        return stream(podsOfNode() + "&limit=" + PAGE + from);
    }

    /**
     * A watch of the pods of this node, as a stream of JSON. The API server ends it after a while, and says from time
     * to time how far it has come.
     *
     * @param version from which version on
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    InputStream watchPods(String version) {
        return stream(podsOfNode() + "&resourceVersion=" + encoded(version)
                + "&allowWatchBookmarks=true&timeoutSeconds=" + WATCH.toSeconds() + "&watch=true");
    }

    private String podsOfNode() {
        return "/api/v1/pods?fieldSelector=" + encoded("spec.nodeName=" + nodeName);
    }

    /**
     * One pod of this node, asked for by name.
     *
     * @param selectors names of labels and annotations to read in addition to those of the engine
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    Optional<BoundedPod> pod(String namespace, String name, Set<String> selectors) {
        String path = "/api/v1/namespaces/" + encoded(namespace) + "/pods/" + encoded(name);
        CompletableFuture<Void> over = new CompletableFuture<>();
        try (InputStream body = stream(path);
                JsonParser json = JsonFields.factory().createParser(body)) {
            over.orTimeout(requestTimeout.toNanos(), TimeUnit.NANOSECONDS).exceptionally(_ -> closed(body));
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("the response is not a pod");
            }
            return Optional.of(PodJson.read(json, selectors))
                    .filter(found -> nodeName.equals(found.pod().getSpec().getNodeName()));
        } catch (KubernetesClientException e) {
            if (e.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        } catch (IOException e) {
            throw new KubernetesClientException("cannot decode the response for a pod", e);
        } finally {
            over.complete(null);
        }
    }

    private static Void closed(InputStream body) {
        try {
            body.close();
        } catch (IOException e) {
            LOG.debug("error closing a response of the API server", e);
        }
        return null;
    }

    /** The body of an answer, while it comes in; only for its beginning there is a time limit. */
    private InputStream stream(String path) {
        return answer(request(path).build());
    }

    private HttpRequest.Builder request(String path) {
        String server = client.getConfiguration().getMasterUrl().replaceFirst("/+$", "");
        return client.getHttpClient()
                .newHttpRequestBuilder()
                .uri(server + path)
                .header("Accept", "application/json")
                .timeout(requestTimeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    private InputStream answer(HttpRequest request) {
        CompletableFuture<HttpResponse<InputStream>> sent =
                client.getHttpClient().sendAsync(request, InputStream.class);
        try {
            HttpResponse<InputStream> answer = sent.get(2 * requestTimeout.toMillis(), TimeUnit.MILLISECONDS);
            if (!answer.isSuccessful()) {
                closed(answer.body());
                throw new KubernetesClientException("the API server answered " + answer.code(), answer.code(), null);
            }
            return answer.body();
        } catch (InterruptedException e) {
            sent.cancel(true);
            Thread.currentThread().interrupt();
            throw new KubernetesClientException("interrupted", e);
        } catch (TimeoutException e) {
            sent.cancel(true);
            throw new KubernetesClientException("no answer", new HttpTimeoutException("no answer"));
        } catch (ExecutionException e) {
            throw new KubernetesClientException("the request failed", e.getCause());
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** A list and watch of one DaemonSet, not started yet. */
    SharedIndexInformer<DaemonSet> daemonSets(String namespace, String name) {
        return client.apps().daemonSets().inNamespace(namespace).withName(name).runnableInformer(0);
    }

    /** A list and watch of the node that this daemon serves, not started yet. */
    public SharedIndexInformer<Node> nodes() {
        return client.nodes().withName(nodeName).runnableInformer(0);
    }

    /** A list and watch of all namespaces, not started yet, which keeps names and labels of them. */
    public SharedIndexInformer<Namespace> namespaces() {
        return client.namespaces()
                .runnableInformer(0)
                .itemStore(new ReducedStateItemStore<>(
                        ReducedStateItemStore.NAME_KEY_STATE,
                        Namespace.class,
                        client.getKubernetesSerialization(),
                        "metadata.labels"));
    }

    /**
     * The labels of a namespace; empty if there is no such namespace.
     *
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    public Optional<Map<String, String>> namespaceLabels(String name) {
        return Optional.ofNullable(client.namespaces().withName(name).get())
                .map(found -> Objects.requireNonNullElse(found.getMetadata().getLabels(), Map.of()));
    }

    /**
     * One DaemonSet.
     *
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    Optional<DaemonSet> daemonSet(String namespace, String name) {
        return Optional.ofNullable(
                client.apps().daemonSets().inNamespace(namespace).withName(name).get());
    }

    /**
     * The node that this daemon serves.
     *
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    Optional<Node> node() {
        return Optional.ofNullable(client.nodes().withName(nodeName).get());
    }

    /**
     * Evicts a pod if it is unchanged and its disruption budget allows it.
     *
     * @throws KubernetesClientException if the API server refuses for another reason, or does not answer
     */
    public Removal evict(NodePod pod) {
        Eviction eviction = new EvictionBuilder()
                .withNewMetadata()
                .withNamespace(pod.pod().namespace())
                .withName(pod.pod().name())
                .endMetadata()
                .withDeleteOptions(onlyIfStill(pod))
                .build();
        return removed(() -> client.raw(path(pod) + "/eviction", "POST", eviction));
    }

    /**
     * Deletes a pod if it is unchanged.
     *
     * @throws KubernetesClientException if the API server refuses for another reason, or does not answer
     */
    public Removal delete(NodePod pod) {
        return removed(() -> client.raw(path(pod), "DELETE", onlyIfStill(pod)));
    }

    /**
     * Sets a label, through the subresource {@code status}, for which a weaker permission is enough.
     *
     * @throws KubernetesClientException if the API server refuses, or does not answer
     */
    public void label(NodePod pod, String key, String value) {
        patchMetadata(pod.pod().namespace(), pod.pod().name(), pod.pod().uid(), "labels", key, Optional.of(value));
    }

    /**
     * Sets an annotation of a pod or takes it off, in the same way.
     *
     * @param uid the pod that is meant; another one that has its name by now stays as it is
     * @param value empty to take it off
     * @return whether there is such a pod
     * @throws KubernetesClientException if the API server refuses, or does not answer
     */
    public boolean annotate(String namespace, String name, String uid, String key, Optional<String> value) {
        try {
            patchMetadata(namespace, name, uid, "annotations", key, value);
            return true;
        } catch (KubernetesClientException e) {
            if (e.getCode() == NOT_FOUND || e.getCode() == CONFLICT) {
                return false;
            }
            throw e;
        }
    }

    /** RFC 7396: a null takes the entry off. */
    private void patchMetadata(
            String namespace, String name, String uid, String kind, String key, Optional<String> value) {
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.putObject("metadata").put("uid", uid).putObject(kind).put(key, value.orElse(null));
        // The library's own patch would read the pod before.
        HttpRequest request = request("/api/v1/namespaces/" + namespace + "/pods/" + name + "/status")
                .patch("application/merge-patch+json", patch.toString())
                .build();
        closed(answer(request));
    }

    /** Says something about a pod where {@code kubectl describe} shows it; that it cannot be said is only logged. */
    public void event(NodePod pod, String type, String reason, String message) {
        String now = DateTimeFormatter.ISO_INSTANT.format(Instant.now().truncatedTo(ChronoUnit.SECONDS));
        Event event = new EventBuilder()
                .withNewMetadata()
                .withNamespace(pod.pod().namespace())
                .withGenerateName(pod.pod().name() + ".")
                .endMetadata()
                .withNewInvolvedObject()
                .withApiVersion("v1")
                .withKind("Pod")
                .withNamespace(pod.pod().namespace())
                .withName(pod.pod().name())
                .withUid(pod.pod().uid())
                .withResourceVersion(pod.resourceVersion())
                .endInvolvedObject()
                .withType(type)
                .withReason(reason)
                .withMessage(message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE))
                .withFirstTimestamp(now)
                .withLastTimestamp(now)
                .withCount(1)
                .withNewSource()
                .withComponent("cni-repair")
                .withHost(nodeName)
                .endSource()
                .build();
        try {
            client.v1()
                    .events()
                    .inNamespace(pod.pod().namespace())
                    .resource(event)
                    .create();
        } catch (KubernetesClientException e) {
            LOG.warn(
                    "cannot create event {} for pod {}: {}",
                    reason,
                    pod.key(),
                    ApiFailure.describe(e, "create on events"));
        }
    }

    /**
     * Returns whether this node has a taint; empty if there is no such node.
     *
     * @throws KubernetesClientException if the API server refuses, or does not answer
     */
    public Optional<Boolean> hasTaint(String key) {
        return node().map(found -> taints(found).stream().anyMatch(taint -> key.equals(taint.getKey())));
    }

    /**
     * Sets a taint of this node, effect {@code NoSchedule}, or takes it off; changes nothing if that is so already, or
     * if there is no such node.
     *
     * @return whether that changed the node
     * @throws KubernetesClientException if the API server refuses, or does not answer, or the node has just been
     *     changed by somebody else
     */
    public boolean taint(String key, boolean present) {
        Optional<Node> found = node();
        if (found.isEmpty()) {
            return false;
        }
        Node node = found.get();
        List<Taint> before = taints(node);
        List<Taint> after = new ArrayList<>(before);
        after.removeIf(taint -> key.equals(taint.getKey()));
        if (present) {
            after.add(new TaintBuilder().withKey(key).withEffect("NoSchedule").build());
        }
        if (present == before.stream().anyMatch(taint -> key.equals(taint.getKey()))) {
            return false;
        }
        // The list is replaced as a whole, so that it must be the one that was read.
        String version = node.getMetadata().getResourceVersion();
        List<Map<String, Object>> change = List.of(
                Map.of("op", "test", "path", "/metadata/resourceVersion", "value", version),
                Map.of("op", "add", "path", "/spec/taints", "value", after));
        client.nodes()
                .withName(nodeName)
                .patch(
                        PatchContext.of(PatchType.JSON),
                        client.getKubernetesSerialization().asJson(change));
        return true;
    }

    /** The taints of a node, none where it has no list of them. */
    public static List<Taint> taints(Node node) {
        return Optional.ofNullable(node.getSpec()).map(NodeSpec::getTaints).orElse(List.of());
    }

    /**
     * Returns whether the credential of this daemon has a right, by a SelfSubjectAccessReview, which every
     * ServiceAccount may make unless the defaults of RBAC are changed; empty if the API server does not say.
     */
    public Optional<Boolean> allows(Right right) {
        Map<String, Object> review = Map.of(
                "apiVersion", "authorization.k8s.io/v1",
                "kind", "SelfSubjectAccessReview",
                "spec", Map.of("resourceAttributes", right.attributes()));
        try {
            return Optional.ofNullable(client.raw(ACCESS_REVIEWS, "POST", review))
                    .map(answer -> CniJson.lenientObject(answer).path("status").path("allowed"))
                    .filter(JsonNode::isBoolean)
                    .map(JsonNode::asBoolean);
        } catch (KubernetesClientException | CniException e) {
            LOG.debug("cannot check permissions: {}", ApiFailure.describe(e, "create on selfsubjectaccessreviews"));
            return Optional.empty();
        }
    }

    private static Removal removed(Runnable request) {
        try {
            request.run();
            return Removal.DONE;
        } catch (KubernetesClientException e) {
            return switch (e.getCode()) {
                case NOT_FOUND -> Removal.GONE;
                case CONFLICT -> Removal.CHANGED;
                case 429 -> Removal.BLOCKED;
                default -> throw e;
            };
        }
    }

    private static DeleteOptions onlyIfStill(NodePod pod) {
        return new DeleteOptionsBuilder()
                .withNewPreconditions()
                .withUid(pod.pod().uid())
                .withResourceVersion(pod.resourceVersion())
                .endPreconditions()
                .build();
    }

    private static String path(NodePod pod) {
        return "/api/v1/namespaces/" + pod.pod().namespace() + "/pods/"
                + pod.pod().name();
    }
}
