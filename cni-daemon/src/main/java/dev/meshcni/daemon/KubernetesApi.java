package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.Optional;

/**
 * All that this daemon asks of the API server, in one place: {@code docs/rbac.md} says for each what it is needed for.
 */
public final class KubernetesApi implements AutoCloseable {
    private static final int RETRIES = 1;
    private static final int RETRY_INTERVAL_MILLIS = 200;
    private static final int RECONNECT_INTERVAL_MILLIS = 500;

    private final KubernetesClient client;
    private final String nodeName;

    private KubernetesApi(KubernetesClient client, String nodeName) {
        this.client = client;
        this.nodeName = nodeName;
    }

    /**
     * Prepares the access; nothing is sent yet, so that an API server that does not answer is no reason to fail.
     *
     * @throws DaemonException if the kubeconfig cannot be read
     */
    public static KubernetesApi open(KubernetesSettings settings) {
        requireNonNull(settings, "settings is null");
        Config config;
        try {
            config = settings.kubeconfig()
                    .map(file -> Config.fromKubeconfig(file.toFile()))
                    .orElseGet(() -> Config.autoConfigure(null));
        } catch (RuntimeException e) {
            throw new DaemonException(
                    "kubeconfig " + settings.kubeconfig().orElseThrow() + " cannot be read: " + e.getMessage(), e);
        }
        config.setRequestTimeout(Math.toIntExact(settings.requestTimeout().toMillis()));
        config.setRequestRetryBackoffLimit(RETRIES);
        config.setRequestRetryBackoffInterval(RETRY_INTERVAL_MILLIS);
        config.setWatchReconnectInterval(RECONNECT_INTERVAL_MILLIS);
        return new KubernetesApi(
                new KubernetesClientBuilder().withConfig(config).build(), settings.nodeName());
    }

    /** The node that this daemon serves. */
    public String nodeName() {
        return nodeName;
    }

    @Override
    public void close() {
        client.close();
    }

    /** A list and watch of this node's pods, not started yet. */
    SharedIndexInformer<Pod> podsOfNode() {
        return client.pods()
                .inAnyNamespace()
                .withField("spec.nodeName", nodeName)
                .runnableInformer(0);
    }

    /**
     * One pod of this node, asked for by name.
     *
     * @throws KubernetesClientException if the API server refuses or does not answer
     */
    Optional<Pod> pod(String namespace, String name) {
        return Optional.ofNullable(
                        client.pods().inNamespace(namespace).withName(name).get())
                .filter(pod ->
                        pod.getSpec() != null && nodeName.equals(pod.getSpec().getNodeName()));
    }

    /** A list and watch of one DaemonSet, not started yet. */
    SharedIndexInformer<DaemonSet> daemonSets(String namespace, String name) {
        return client.apps().daemonSets().inNamespace(namespace).withName(name).runnableInformer(0);
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
}
