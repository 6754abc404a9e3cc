// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.CniException;
import dev.meshcni.config.DaemonException;
import dev.meshcni.core.ShortLine;
import dev.meshcni.kubernetes.ApiAccess;
import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.ClientConfig;
import dev.meshcni.telemetry.AgentStatus;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListMeta;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MutatingWebhookConfiguration;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Listable;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * All that {@code meshcni doctor} asks of the API server, in the name of the person who runs it. It only reads, and
 * what it may not read it reports: {@code docs/rbac.md} has the rights.
 *
 * <p>Nothing more is sent to an API server that has not answered once, so that the whole takes a bounded time.
 */
public final class ClusterApi implements AutoCloseable {
    private static final long PAGE = 500;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int UNAVAILABLE = 503;
    private static final ResourceDefinitionContext NETWORKS = new ResourceDefinitionContext.Builder()
            .withGroup("k8s.cni.cncf.io")
            .withVersion("v1")
            .withKind("NetworkAttachmentDefinition")
            .withPlural("network-attachment-definitions")
            .withNamespaced(true)
            .build();

    private final KubernetesClient client;
    private final String address;
    private volatile Optional<String> lost = Optional.empty();

    private ClusterApi(KubernetesClient client, String address) {
        this.client = client;
        this.address = address;
    }

    /**
     * Prepares the access; nothing is sent yet.
     *
     * @throws DaemonException if there is no kubeconfig, or it cannot be read, or has no such context
     */
    public static ClusterApi open(ClusterSettings settings) {
        requireNonNull(settings, "settings is null");
        ApiAccess access = ClientConfig.of(settings.kubeconfig(), settings.context(), settings.requestTimeout());
        access.config().setRequestRetryBackoffLimit(0);
        return new ClusterApi(access.client().build(), access.server());
    }

    @Override
    public void close() {
        client.close();
    }

    /** The address of the API server. */
    String address() {
        return address;
    }

    /** The reason why the API server cannot be queried any more; empty while it answers and accepts the credential. */
    Optional<String> lost() {
        return lost;
    }

    /** Such as {@code v1.33.1}. */
    ApiResult<String> version() {
        return ask(
                "get on the path /version", () -> client.getKubernetesVersion().getGitVersion());
    }

    ApiResult<List<Node>> nodes() {
        return list("nodes", client.nodes(), Function.identity());
    }

    ApiResult<List<Namespace>> namespaces() {
        return list("namespaces", client.namespaces(), Function.identity());
    }

    /** The namespaces that have a ServiceAccount {@code default}. */
    ApiResult<Set<String>> defaultAccounts() {
        return list(
                        "serviceaccounts",
                        client.serviceAccounts().inAnyNamespace().withField("metadata.name", "default"),
                        account -> account.getMetadata().getNamespace())
                .map(HashSet::new);
    }

    ApiResult<List<ClusterPod>> pods() {
        return list("pods", client.pods().inAnyNamespace(), ClusterPod::of);
    }

    ApiResult<List<DaemonSet>> daemonSets() {
        return list("daemonsets.apps", client.apps().daemonSets().inAnyNamespace(), Function.identity());
    }

    ApiResult<List<MutatingWebhookConfiguration>> injectors() {
        return list(
                "mutatingwebhookconfigurations.admissionregistration.k8s.io",
                client.admissionRegistration()
                        .v1()
                        .mutatingWebhookConfigurations()
                        .withLabel("app", "sidecar-injector"),
                Function.identity());
    }

    /** A ConfigMap; empty if there is none. */
    ApiResult<Optional<ConfigMap>> configMap(String namespace, String name) {
        return ask(
                "get on configmaps in namespace " + namespace,
                () -> Optional.ofNullable(client.configMaps()
                        .inNamespace(namespace)
                        .withName(name)
                        .get()));
    }

    /**
     * The NetworkAttachmentDefinitions of the cluster as {@code namespace/name}; none where Multus is not installed.
     */
    ApiResult<Set<String>> networks() {
        return ask("list on network-attachment-definitions.k8s.cni.cncf.io", () -> {
            try {
                return new HashSet<>(pages(
                        client.genericKubernetesResources(NETWORKS).inAnyNamespace(),
                        network -> network.getMetadata().getNamespace() + "/"
                                + network.getMetadata().getName()));
            } catch (KubernetesClientException e) {
                if (e.getCode() == NOT_FOUND) {
                    return Set.of();
                }
                throw e;
            }
        });
    }

    /** The status reported by the daemon in a pod, read through the API server: no port of the node has to be open. */
    ApiResult<AgentStatus> agentStatus(String namespace, String pod, int port) {
        String path = "/api/v1/namespaces/" + namespace + "/pods/" + pod + ":" + port + "/proxy" + AgentStatus.PATH;
        try {
            // One daemon that does not answer says nothing about the API server.
            return answer("get on pods/proxy in namespace " + namespace, () -> AgentStatus.parse(page(path)), false);
        } catch (CniException e) {
            return new ApiResult.Unknown<>(
                    "cannot parse its answer: " + ShortLine.of(e.getMessage()),
                    "check whether it is another product or version: kubectl get pod --namespace " + namespace + " "
                            + pod + " --output yaml");
        }
    }

    private <T extends HasMetadata, L extends KubernetesResourceList<T>, R> ApiResult<List<R>> list(
            String resource, Listable<L> source, Function<T, R> kept) {
        return ask("list on " + resource, () -> pages(source, kept));
    }

    private static <T extends HasMetadata, L extends KubernetesResourceList<T>, R> List<R> pages(
            Listable<L> source, Function<T, R> kept) {
        List<R> all = new ArrayList<>();
        Optional<String> next = Optional.empty();
        do {
            L page = source.list(new ListOptionsBuilder()
                    .withLimit(PAGE)
                    .withContinue(next.orElse(null))
                    .build());
            page.getItems().stream().map(kept).forEach(all::add);
            next = Optional.ofNullable(page.getMetadata())
                    .map(ListMeta::getContinue)
                    .filter(token -> !token.isEmpty());
        } while (next.isPresent());
        return all;
    }

    private String page(String path) {
        String page = client.raw(path);
        if (page == null) {
            throw new KubernetesClientException("not found", NOT_FOUND, null);
        }
        return page;
    }

    private <T> ApiResult<T> ask(String right, Supplier<T> request) {
        return answer(right, request, true);
    }

    private <T> ApiResult<T> answer(String right, Supplier<T> request, boolean ofServer) {
        if (lost.isPresent()) {
            return new ApiResult.Unknown<>("not checked: " + lost.get(), "try again when the API server answers");
        }
        try {
            return new ApiResult.Known<>(request.get());
        } catch (KubernetesClientException e) {
            String why = ApiFailure.describe(e, ApiFailure.Account.OPERATOR, right);
            if (ofServer && (e.getCode() <= 0 || e.getCode() == UNAUTHORIZED)) {
                lost = Optional.of(why);
            }
            return new ApiResult.Unknown<>(why, remedy(e.getCode()));
        }
    }

    private static String remedy(int code) {
        return switch (code) {
            case FORBIDDEN -> "grant this permission: docs/rbac.md has a ClusterRole for doctor";
            case NOT_FOUND -> "not found, or the daemon is an older version";
            case UNAVAILABLE -> "the API server cannot reach the pod: check that it is running";
            default -> "try again; kubectl get --raw /readyz shows the API server's state";
        };
    }
}
