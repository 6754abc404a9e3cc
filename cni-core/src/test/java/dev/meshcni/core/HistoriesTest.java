// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.testkit.Lane;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Whatever happens on a node, and in whatever order: an attachment whose ADD answered ok for a pod of the mesh has its
 * rules until its own DEL, and a pod of no mesh has none. Histories are made up of pods that are made again under the
 * same name, runtimes that give no UID, a watch that is behind, agents that are started again, several attachments in a
 * namespace, calls that come twice or late, and paths that lead to another namespace later.
 */
class HistoriesTest {
    private static final int HISTORIES = 10_000;
    private static final int STEPS = 40;
    private static final Duration BUDGET = Duration.ofSeconds(20);

    @Test
    void anAttachmentWhoseAddWasOkHasItsRulesUntilItsOwnDel() {
        for (int seed = 0; seed < Lane.tries(HISTORIES); seed++) {
            History history = new History(seed);
            for (int step = 0; step < STEPS; step++) {
                history.step();
                history.check();
            }
            history.endAll();
        }
    }

    /**
     * The API server, and what the agent's watch has shown of it. A name alone is answered by the API server itself.
     */
    private static final class Cluster implements PodSource {
        private final Map<String, Pod> pods = new HashMap<>();
        private final Map<String, Pod> shown = new HashMap<>();
        private boolean silent;

        void create(String name, boolean injected, String uid) {
            Map<String, String> annotations = injected ? Map.of(RedirectPolicy.STATUS, "{}") : Map.of();
            List<Pod.Container> containers = injected
                    ? List.of(Pods.proxy(Map.of(), List.of("proxy", "sidecar")))
                    : List.of(Pods.container("app"));
            pods.put(name, new Pod("shop", name, uid, Map.of(), annotations, false, List.of(), containers));
            show();
        }

        void show() {
            if (!silent) {
                shown.clear();
                shown.putAll(pods);
            }
        }

        @Override
        public Optional<Pod> find(
                String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
            return Optional.ofNullable(shown.get(name))
                    .filter(pod -> !uid.isEmpty() && pod.hasUid(uid))
                    .or(() -> Optional.ofNullable(pods.get(name)).filter(pod -> uid.isEmpty() || pod.hasUid(uid)));
        }

        @Override
        public Optional<String> notReady() {
            return Optional.empty();
        }

        @Override
        public void close() {}
    }

    /** A network namespace that the runtime has made for a pod. */
    private static final class Sandbox {
        private final String container;
        private final Pod pod;
        private final Path path;
        private final NamespaceId namespace;
        private final Map<String, Boolean> attachments = new HashMap<>();
        private boolean gone;

        Sandbox(String container, Pod pod, Path path, NamespaceId namespace) {
            this.container = container;
            this.pod = pod;
            this.path = path;
            this.namespace = namespace;
        }

        boolean isInMesh() {
            return pod.annotations().containsKey(RedirectPolicy.STATUS);
        }
    }

    private static final class History {
        private final int seed;
        private final Random random;
        private final Cluster cluster = new Cluster();
        private final MemoryBackend backend = new MemoryBackend();
        private final MemoryStore store = new MemoryStore();
        private final List<Sandbox> sandboxes = new ArrayList<>();
        private final List<String> told = new ArrayList<>();
        private PluginHandler agent;
        private int number;

        History(int seed) {
            this.seed = seed;
            this.random = new Random(seed);
            this.agent = agent();
        }

        void step() {
            switch (random.nextInt(12)) {
                case 0, 1 -> create();
                case 2, 3 -> sandbox();
                case 4, 5, 6 -> any().ifPresent(this::add);
                case 7, 8 -> any().ifPresent(sandbox -> del(sandbox, attachment()));
                case 9 -> any().ifPresent(this::end);
                case 10 -> watch();
                default -> restartOrCollect();
            }
        }

        void check() {
            for (Sandbox sandbox : sandboxes) {
                boolean wanted = sandbox.isInMesh() && sandbox.attachments.containsValue(true);
                if (wanted && !sandbox.gone) {
                    assertThat(backend.applied)
                            .as("seed %d, container %s: %s", seed, sandbox.container, told)
                            .containsKey(sandbox.namespace);
                }
                if (!sandbox.isInMesh()) {
                    assertThat(backend.applied)
                            .as("seed %d, container %s: %s", seed, sandbox.container, told)
                            .doesNotContainKey(sandbox.namespace);
                }
            }
        }

        /** At the end nothing is left of what was taken apart by its own DELs. */
        void endAll() {
            for (Sandbox sandbox : sandboxes) {
                List.copyOf(sandbox.attachments.keySet()).forEach(attachment -> del(sandbox, attachment));
                check();
            }
            assertThat(sandboxes)
                    .as("seed %d: %s", seed, told)
                    .filteredOn(this::leadsThere)
                    .noneMatch(sandbox -> backend.applied.containsKey(sandbox.namespace));
            assertThat(store.kept).as("seed %d: %s", seed, told).isEmpty();
        }

        private void create() {
            String name = "pod" + random.nextInt(2);
            cluster.create(name, random.nextInt(4) > 0, "uid" + number++);
            told.add("create " + name);
        }

        private void sandbox() {
            List<Pod> pods = List.copyOf(cluster.pods.values());
            if (!pods.isEmpty()) {
                Pod pod = pods.get(random.nextInt(pods.size()));
                Path path = Path.of("/run/netns/" + random.nextInt(3));
                sandboxes.stream().filter(other -> other.path.equals(path)).forEach(other -> other.gone = true);
                String container = "c" + number++;
                sandboxes.add(new Sandbox(container, pod, path, backend.renew(path)));
                told.add("sandbox " + container + " of " + pod.name() + " at " + path);
            }
        }

        private void add(Sandbox sandbox) {
            if (sandbox.gone) {
                return;
            }
            // A runtime that gives no UID makes a sandbox for the pod that has the name now.
            boolean current = sandbox.pod.equals(cluster.pods.get(sandbox.pod.name()));
            boolean withUid = !current || random.nextBoolean();
            String attachment = attachment();
            boolean ok = call("ADD", sandbox, attachment, withUid);
            told.add("ADD " + sandbox.container + attachment + (withUid ? "" : " without UID") + ": " + ok);
            if (ok) {
                sandbox.attachments.put(attachment, true);
            }
        }

        private void del(Sandbox sandbox, String attachment) {
            assertThat(call("DEL", sandbox, attachment, random.nextBoolean())).isTrue();
            told.add("DEL " + sandbox.container + attachment);
            sandbox.attachments.remove(attachment);
        }

        private void end(Sandbox sandbox) {
            if (leadsThere(sandbox)) {
                backend.renew(sandbox.path);
            }
            sandbox.gone = true;
            told.add("end " + sandbox.container);
        }

        private void watch() {
            cluster.silent = random.nextBoolean();
            cluster.show();
            told.add(cluster.silent ? "the watch is silent" : "the watch shows all");
        }

        private void restartOrCollect() {
            if (random.nextBoolean()) {
                agent = agent();
                agent.forgetGone(backend, BUDGET);
                told.add("restart");
                return;
            }
            String valid = sandboxes.stream()
                    .flatMap(sandbox -> sandbox.attachments.keySet().stream()
                            .map(attachment -> "{\"containerID\":\"" + sandbox.container + "\",\"ifname\":\""
                                    + interfaceOf(attachment) + "\"}"))
                    .distinct()
                    .collect(Collectors.joining(","));
            Answer answer = agent.handle(
                    new AgentProtocol.Request(
                            Map.of("CNI_COMMAND", "GC", "CNI_PATH", "/opt/cni/bin"),
                            config("net0", ",\"cni.dev/valid-attachments\":[" + valid + "]")),
                    BUDGET);
            assertThat(answer.reply().exitCode()).as(Calls.text(answer.reply())).isZero();
            told.add("GC");
        }

        private boolean call(String command, Sandbox sandbox, String attachment, boolean withUid) {
            Map<String, String> environment = Calls.environment(command, "shop", sandbox.pod.name());
            environment.put("CNI_CONTAINERID", sandbox.container);
            environment.put("CNI_NETNS", sandbox.path.toString());
            environment.put("CNI_IFNAME", interfaceOf(attachment));
            if (withUid) {
                environment.merge("CNI_ARGS", ";K8S_POD_UID=" + sandbox.pod.uid(), String::concat);
            }
            return agent.handle(new AgentProtocol.Request(environment, config(networkOf(attachment), "")), BUDGET)
                            .reply()
                            .exitCode()
                    == 0;
        }

        private boolean leadsThere(Sandbox sandbox) {
            return sandbox.namespace.equals(backend.namespaces.get(sandbox.path));
        }

        private Optional<Sandbox> any() {
            return sandboxes.isEmpty()
                    ? Optional.empty()
                    : Optional.of(sandboxes.get(random.nextInt(sandboxes.size())));
        }

        private String attachment() {
            return "/net" + random.nextInt(2) + "/eth" + random.nextInt(2);
        }

        private static String networkOf(String attachment) {
            return attachment.split("/", -1)[1];
        }

        private static String interfaceOf(String attachment) {
            return attachment.split("/", -1)[2];
        }

        private static byte[] config(String network, String more) {
            return ("{\"cniVersion\":\"1.1.0\",\"name\":\"" + network + "\",\"type\":\"istio-cni\"" + more + "}")
                    .getBytes(StandardCharsets.UTF_8);
        }

        private PluginHandler agent() {
            return new PluginHandler(
                    cluster,
                    Optional::empty,
                    Backends.of(List.of(backend)),
                    new PrevResultCheck(ChainAdapters.installed()),
                    Duration.ZERO,
                    store);
        }
    }
}
