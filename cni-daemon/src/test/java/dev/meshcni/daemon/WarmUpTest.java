// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.install.RunDirectory;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NeedsRoot("the agent serves root only, and makes network namespaces")
class WarmUpTest {
    @TempDir
    private Path runDirectory;

    @Test
    void aPodIsAddedCheckedAndDeletedInANamespaceThatIsNotTheNodes() {
        Recorder recorder = new Recorder(true);

        hold(recorder);

        assertThat(recorder.calls).startsWith("apply", "differences: 0", "remove", "apply", "remove");
        List<String> further = recorder.calls.subList(5, recorder.calls.size());
        assertThat(further)
                .isEqualTo(Collections.nCopies(further.size() / 2, List.of("apply", "remove")).stream()
                        .flatMap(List::stream)
                        .toList())
                .hasSizeLessThanOrEqualTo(38);
    }

    @Test
    void nothingIsRedirectedWhereNoNamespaceCanBeMade() {
        Recorder recorder = new Recorder(false);

        hold(recorder);

        assertThat(recorder.calls).isEmpty();
    }

    @Test
    void nothingIsLeftBehindNotEvenByAnAgentThatEndedInBetween() throws IOException {
        Path earlier = Files.createDirectories(runDirectory.resolve(RunDirectory.WARM_UP));
        Files.writeString(earlier.resolve(AgentProtocol.SOCKET_NAME), "");
        Files.writeString(
                Files.createDirectory(earlier.resolve(RunDirectory.ATTACHMENTS)).resolve("0.json"), "{}");
        Recorder recorder = new Recorder(true);

        hold(recorder);

        assertThat(recorder.calls).startsWith("apply");
        assertThat(runDirectory).isEmptyDirectory();
    }

    private void hold(RedirectBackend backend) {
        try (CapturedLog log = CapturedLog.inDetail(WarmUp.class)) {
            WarmUp.run(
                    runDirectory, Backends.of(List.of(backend)), new PrevResultCheck(ChainAdapters.installed()), false);
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .matches("DEBUG [1-9]\\d* rounds of calls rehearsed in .*");
        }
    }

    /** The real backend, and what was done with it. */
    private static final class Recorder implements RedirectBackend {
        private final RedirectBackend backend =
                Backends.of(ServiceLoader.load(RedirectBackend.class)).named(Backends.DEFAULT);
        private final List<String> calls = new CopyOnWriteArrayList<>();
        private final boolean mayMakeNamespaces;

        Recorder(boolean mayMakeNamespaces) {
            this.mayMakeNamespaces = mayMakeNamespaces;
        }

        @Override
        public String name() {
            return backend.name();
        }

        @Override
        public String detect() {
            return backend.detect();
        }

        @Override
        public boolean withThrowaway(Consumer<Path> action) {
            return mayMakeNamespaces && backend.withThrowaway(action);
        }

        @Override
        public NamespaceHandle open(Path netns, Deadline deadline) {
            NamespaceHandle handle = backend.open(netns, deadline);
            if (handle.isOwn()) {
                calls.add("opened the node's own namespace");
            }
            return new RecordedHandle(handle, calls);
        }
    }

    private record RecordedHandle(NamespaceHandle handle, List<String> calls) implements NamespaceHandle {
        @Override
        public NamespaceId id() {
            return handle.id();
        }

        @Override
        public boolean isOwn() {
            return handle.isOwn();
        }

        @Override
        public List<InetAddress> addresses() {
            return handle.addresses();
        }

        @Override
        public void apply(RedirectPlan plan) {
            handle.apply(plan);
            calls.add("apply");
        }

        @Override
        public List<RuleDifference> differences(RedirectPlan plan) {
            List<RuleDifference> differences = handle.differences(plan);
            calls.add("differences: " + differences.size());
            return differences;
        }

        @Override
        public void remove() {
            handle.remove();
            calls.add("remove");
        }

        @Override
        public void close() {
            handle.close();
        }
    }
}
