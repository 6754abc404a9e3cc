// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.AttachmentStore;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.install.AgentQuestion;
import dev.meshcni.kubernetes.ManifestPodSource;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AgentQuestionTest {
    @TempDir
    private Path directory;

    @NeedsRoot("the agent answers root only")
    @Test
    void anAgentAnswers() {
        PluginHandler handler = new PluginHandler(
                new ManifestPodSource(directory),
                Optional::empty,
                Backends.of(ServiceLoader.load(RedirectBackend.class)),
                new PrevResultCheck(ChainAdapters.installed()),
                Duration.ofSeconds(1),
                AttachmentStore.NONE);
        Path run = directory.resolve("run");
        try (AgentServer _ = AgentServer.start(run, handler::handle, Duration.ofSeconds(5))) {
            assertThat(new AgentQuestion(run).isAnswered()).isTrue();
        }
        assertThat(new AgentQuestion(run).isAnswered()).isFalse();
    }

    @Test
    void whereThereIsNoAgentNobodyAnswers() {
        assertThat(new AgentQuestion(directory).isAnswered()).isFalse();
    }

    @Test
    @Slow
    void anAgentThatHangsDoesNotAnswer() throws IOException {
        try (ServerSocketChannel hanging = hanging(50)) {
            assertThat(hanging.isOpen()).isTrue();
            assertThat(new AgentQuestion(directory).isAnswered()).isFalse();
        }
    }

    @Test
    @Slow
    void anAgentWhoseQueueIsFullDoesNotAnswer() throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("agent.sock"));
        try (ServerSocketChannel _ = hanging(1);
                SocketChannel one = SocketChannel.open(address);
                SocketChannel two = SocketChannel.open(address)) {
            assertThat(one.isConnected() && two.isConnected()).isTrue();
            assertThat(new AgentQuestion(directory).isAnswered()).isFalse();
        }
    }

    private ServerSocketChannel hanging(int queue) throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(directory.resolve("agent.sock")), queue);
    }
}
