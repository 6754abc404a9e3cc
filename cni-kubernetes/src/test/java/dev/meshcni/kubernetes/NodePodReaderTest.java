// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.testkit.TestPods;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NodePodReaderTest {
    private static final NodePodReader READER = new NodePodReader(_ -> true, "");

    @Test
    void nothingThatTheEngineReadsIsLeftOut() throws Exception {
        Map<String, String> annotations = new HashMap<>();
        Map<String, String> env = new HashMap<>(Map.of("DISABLE_ENVOY", "false"));
        for (Field field : AnnotationParser.class.getFields()) {
            if (field.getType() == String.class && Modifier.isStatic(field.getModifiers())) {
                String name = (String) field.get(null);
                (name.contains("/") ? annotations : env).put(name, "value");
            }
        }
        env.remove(AnnotationParser.PROXY_CONTAINER);
        Pod pod = pod(annotations, env);

        Pod reduced = NodePodReader.reduced(pod, Set.of(), List.of());

        assertThat(annotations).hasSizeGreaterThanOrEqualTo(10);
        assertThat(reduced.annotations()).isEqualTo(annotations);
        assertThat(reduced.container(AnnotationParser.PROXY_CONTAINER)
                        .orElseThrow()
                        .env())
                .isEqualTo(env);
    }

    @Test
    void theEngineDecidesTheSameAboutWhatIsLeft() {
        Pod pod = READER.read(TestPods.injected("web")).pod();

        assertThat(RedirectPolicy.decide(pod)).isEqualTo(RedirectPolicy.decide(PodModel.of(TestPods.injected("web"))));
    }

    @Test
    void whatHasNothingToDoWithTheNetworkIsNotKept() {
        Pod pod = pod(Map.of("kubectl.kubernetes.io/last-applied-configuration", "x".repeat(50_000)), Map.of("A", "b"));

        Pod reduced = NodePodReader.reduced(pod, Set.of(), List.of());

        assertThat(reduced.annotations()).isEmpty();
        assertThat(reduced.containers())
                .allSatisfy(container -> assertThat(container.env()).isEmpty());
    }

    @Test
    void aContainerThatEndedWellIsNoCrashWhateverItDidBefore() {
        io.fabric8.kubernetes.api.model.Pod pod = TestPods.crashing(TestPods.injected("web"), 126)
                .edit()
                .editStatus()
                .editFirstInitContainerStatus()
                .withNewState()
                .withNewTerminated()
                .withExitCode(0)
                .withReason("Completed")
                .endTerminated()
                .endState()
                .endInitContainerStatus()
                .endStatus()
                .build();

        assertThat(READER.read(pod).crashes()).isEmpty();
    }

    @Test
    void aContainerInACrashLoopIsOneWithItsExitCode() {
        NodePod pod = READER.read(TestPods.crashing(TestPods.injected("web"), 126));

        assertThat(pod.crashes()).containsExactly(new NodePod.Crash("istio-validation", 126, ""));
        assertThat(pod.started()).isTrue();
    }

    @Test
    void aPodWithoutAStatusHasNotStarted() {
        NodePod pod = READER.read(TestPods.injected("web"));

        assertThat(pod.started()).isFalse();
        assertThat(pod.stage()).isEqualTo(NodePod.Stage.LIVE);
        assertThat(pod.proxyImage()).isEqualTo("registry.example/istio/proxyv2:1.31.1");
    }

    private static Pod pod(Map<String, String> annotations, Map<String, String> env) {
        Pod.Container proxy = new Pod.Container(
                AnnotationParser.PROXY_CONTAINER,
                List.of("proxy", "sidecar"),
                env,
                OptionalLong.of(1337),
                OptionalLong.empty());
        return new Pod("shop", "web", "1", Map.of(), annotations, false, List.of(), List.of(proxy));
    }
}
