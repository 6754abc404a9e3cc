// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import dev.meshcni.it.Command;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.client.dsl.NonNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.PodResource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A namespace of a test's own, which goes with all that is in it. */
final class TestNamespace implements AutoCloseable {
    private static final Map<String, String> LABEL = Map.of("mesh-cni-test", "true");
    private static final Duration EXEC = Duration.ofSeconds(30);

    private final Cluster cluster;
    private final String name;

    private TestNamespace(Cluster cluster, String name) {
        this.cluster = requireNonNull(cluster, "cluster is null");
        this.name = requireNonNull(name, "name is null");
    }

    /** Makes it, and waits until pods can be made in it. */
    static TestNamespace create(Cluster cluster, String prefix) {
        String name = cluster.client()
                .resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withGenerateName(prefix + "-")
                        .withLabels(LABEL)
                        .endMetadata()
                        .build())
                .create()
                .getMetadata()
                .getName();
        return existing(cluster, name);
    }

    /** One that is there already, once pods can be made in it. */
    static TestNamespace existing(Cluster cluster, String name) {
        cluster.eventually(
                "namespace " + name + " has its service account",
                () -> cluster.client()
                                .serviceAccounts()
                                .inNamespace(name)
                                .withName("default")
                                .get()
                        != null);
        return new TestNamespace(cluster, name);
    }

    /** Removes all of them. */
    static void removeAll(Cluster cluster) {
        cluster.client().namespaces().withLabels(LABEL).delete();
        cluster.eventually(
                "the namespaces of the tests are gone",
                () -> cluster.client()
                        .namespaces()
                        .withLabels(LABEL)
                        .list()
                        .getItems()
                        .isEmpty());
    }

    Cluster cluster() {
        return cluster;
    }

    String name() {
        return name;
    }

    NonNamespaceOperation<Pod, PodList, PodResource> pods() {
        return cluster.client().pods().inNamespace(name);
    }

    void create(HasMetadata resource) {
        cluster.client().resource(resource).inNamespace(name).create();
    }

    /** Makes a pod and waits until its containers run. */
    Pod start(Pod pod) {
        create(pod);
        return awaitRunning(pod.getMetadata().getName());
    }

    /** Waits until a pod has a label, whatever its value is. */
    void awaitLabel(String pod, String label) {
        cluster.eventually(
                "the label is there",
                () -> pods().withName(pod).require().getMetadata().getLabels().containsKey(label));
    }

    Pod awaitRunning(String pod) {
        try {
            cluster.eventually(
                    "pod " + name + "/" + pod + " runs",
                    () -> pods().withName(pod).isReady()
                            && pods().withName(pod).get().getStatus().getPodIP() != null);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n" + eventsOf(pod), e);
        }
        return pods().withName(pod).require();
    }

    /** Runs a script in a pod's application container and returns what it prints. */
    String exec(String pod, String script) {
        return Command.of(
                        "kubectl",
                        "exec",
                        "--namespace=" + name,
                        "--container=" + Pods.APP,
                        pod,
                        "--",
                        "sh",
                        "-c",
                        script)
                .within(EXEC)
                .result()
                .out()
                .strip();
    }

    /** Who answers when the application of a pod connects to port 8080 of an address. */
    Optional<String> answer(String pod, String address) {
        return Optional.of(exec(pod, "echo " + pod + " | nc -w 5 " + address + " " + Peer.PORT + " 2>/dev/null"))
                .filter(word -> !word.isEmpty());
    }

    /** What a web server at port 8080 of an address, or of a name, says to the application of a pod. */
    Optional<String> page(String pod, String address) {
        return Optional.of(exec(pod, "timeout 10 wget -q -O - " + Calls.url(address) + " 2>/dev/null"))
                .filter(word -> !word.isEmpty());
    }

    /** Gives the namespace a label, or takes it off where the value is empty. */
    void label(String key, String value) {
        Cluster.kubectl(
                "", "label", "--overwrite", "namespace/" + name, value.isEmpty() ? key + "-" : key + "=" + value);
    }

    void createAccount(String account) {
        create(new ServiceAccountBuilder()
                .withNewMetadata()
                .withName(account)
                .endMetadata()
                .build());
    }

    /** The messages of a pod's events. */
    List<String> eventsOf(String pod) {
        return events().stream()
                .filter(event -> event.getInvolvedObject().getName().equals(pod))
                .map(event -> event.getReason() + ": " + event.getMessage())
                .toList();
    }

    List<Event> events() {
        return cluster.client().v1().events().inNamespace(name).list().getItems();
    }

    @Override
    public void close() {
        cluster.client().namespaces().withName(name).delete();
    }
}
