// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The plugin's verbs on a node whose agent has pods join the mesh. */
class AmbientVerbsTest {
    private static final Duration BUDGET = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final RecordedMesh mesh = new RecordedMesh();
    private final ListedPods pods = new ListedPods();
    private final MemoryBackend backend = new MemoryBackend();
    private final PluginHandler handler = new PluginHandler(
            pods,
            pods::notReady,
            Backends.of(List.of(backend)),
            new PrevResultCheck(ChainAdapters.installed()),
            Duration.ofSeconds(1),
            AttachmentStore.NONE,
            AmbientOptions.Node.STANDARD,
            mesh);

    @Test
    void aPodThatTheMeshWantsJoinsItWithTheAddressesOfTheBaseCni() {
        pods.pods.add(pod());
        mesh.wanted.add("web");

        Answer answer = handle("ADD");

        assertThat(answer.outcome()).isEqualTo(Outcome.REDIRECTED);
        assertThat(answer.cause()).isEqualTo("ambient");
        assertThat(answer.effect().rules()).isEqualTo(RecordedMesh.RULES);
        assertThat(mesh.told)
                .singleElement()
                .asString()
                .startsWith("add web [/")
                .contains(Calls.NETNS);
        assertThat(backend.applied).as("rules of a sidecar").isEmpty();
    }

    @Test
    void aPodThatItDoesNotWantIsDecidedAboutAsWithoutIt() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        assertThat(handle("ADD").outcome()).isEqualTo(Outcome.REDIRECTED);
        assertThat(backend.applied).isNotEmpty();
        assertThat(mesh.told).isEmpty();
    }

    @Test
    void whatCannotJoinFailsWithTheCodeThatTheMeshGives() throws JsonProcessingException {
        pods.pods.add(pod());
        mesh.wanted.add("web");
        mesh.failure = Optional.of(new CniException(ErrorCode.TRY_AGAIN_LATER, "no ztunnel is connected", ""));

        Answer answer = handle("ADD");

        assertThat(answer.outcome()).isEqualTo(Outcome.RETRY);
        assertThat(error(answer).path("msg").asText()).isEqualTo("no ztunnel is connected");
    }

    @Test
    void whileItCannotBeSaidWhetherAPodIsWantedItsAddIsTriedAgain() {
        pods.pods.add(pod());
        mesh.failure = Optional.of(new PodSourceException("the labels of namespace shop cannot be looked up"));

        assertThat(handle("ADD").outcome()).isEqualTo(Outcome.RETRY);
    }

    @Test
    void delLeavesTheMeshAndTakesOutRulesOfASidecarAllTheSame() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        Answer answer = handle("DEL");

        assertThat(answer.outcome()).isEqualTo(Outcome.OK);
        assertThat(answer.reason()).isEqualTo("left");
        assertThat(mesh.told).containsExactly("delete shop/web");
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void checkNamesWhatIsMissingBesidesTheRules() throws JsonProcessingException {
        Pod pod = pod();
        pods.pods.add(pod);
        mesh.wanted.add("web");
        backend.applied.put(
                backend.renew(Path.of(Calls.NETNS)),
                AmbientRules.compile(
                        AmbientOptions.of(pod, AmbientOptions.Node.STANDARD), EnumSet.allOf(IpFamily.class)));
        assertThat(handle("CHECK").reply().exitCode()).isZero();

        mesh.missing.add("ztunnel has not acknowledged the pod");
        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(PluginErrorCode.NOT_AS_ADDED);
        assertThat(error.path("details").asText()).isEqualTo("ztunnel has not acknowledged the pod");
    }

    private static Pod pod() {
        return new Pod("shop", "web", "", Map.of(), Map.of(), false, List.of(), List.of());
    }

    private Answer handle(String command) {
        return handler.handle(Calls.call(command, "shop", "web"), BUDGET);
    }

    private static JsonNode error(Answer answer) throws JsonProcessingException {
        assertThat(answer.reply().exitCode()).isEqualTo(1);
        return JSON.readTree(Calls.text(answer.reply()));
    }

    /** Writes down what it is told. */
    private static final class RecordedMesh implements AmbientMesh {
        static final int RULES = 7;

        final List<String> told = new ArrayList<>();
        final Set<String> wanted = new HashSet<>();
        final List<String> missing = new ArrayList<>();
        Optional<RuntimeException> failure = Optional.empty();

        @Override
        public boolean wants(Pod pod, Deadline deadline) {
            failure.filter(PodSourceException.class::isInstance).ifPresent(RecordedMesh::fail);
            return wanted.contains(pod.name());
        }

        @Override
        public int add(Pod pod, List<InetAddress> addresses, Path netns, Deadline deadline) {
            failure.ifPresent(RecordedMesh::fail);
            told.add("add " + pod.name() + " " + addresses + " " + netns);
            return RULES;
        }

        @Override
        public Optional<String> delete(String namespace, String name, String uid, Path netns, Deadline deadline) {
            told.add("delete " + namespace + "/" + name);
            return Optional.of("left");
        }

        @Override
        public List<String> missing(Pod pod) {
            return missing;
        }

        private static void fail(RuntimeException failure) {
            throw failure;
        }
    }
}
