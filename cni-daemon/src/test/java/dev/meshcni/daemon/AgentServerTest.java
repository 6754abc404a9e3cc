// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.testkit.NeedsRoot;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
@NeedsRoot("the agent answers root only")
class AgentServerTest {
    private static final Duration CALL_TIME = Duration.ofSeconds(20);
    private static final Duration SOON = Duration.ofMillis(20);

    @TempDir
    private Path directory;

    @Test
    void theSocketIsForRootAlone() throws IOException {
        try (AgentServer agent = start()) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                    .isEqualTo("rwx------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(agent.socket())))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void aDirectoryOfAnotherUserIsRefused() throws IOException {
        Path theirs = Files.createDirectories(directory.resolve("theirs"));
        Files.setAttribute(theirs, "unix:uid", 4711);

        assertThatThrownBy(() -> AgentServer.start(theirs, (_, _) -> null, Duration.ofSeconds(1)))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("user 4711");
    }

    @Test
    void aCallIsAnswered() throws IOException {
        try (AgentServer agent = start()) {
            assertThat(ask(agent, "web")).isEqualTo("web");
        }
    }

    @Test
    void manyCallsAreServedAtOnceAndOneThatHangsDelaysNoOther() throws Exception {
        CountDownLatch hang = new CountDownLatch(1);
        CountDownLatch allIn = new CountDownLatch(200);
        CallHandler handler = (call, _) -> {
            String pod = call.environment().get("POD");
            await(pod, hang, allIn);
            return answer(pod);
        };
        try (AgentServer agent = AgentServer.start(directory, handler, CALL_TIME);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<String> stuck = clients.submit(() -> ask(agent, "stuck"));
            List<Future<String>> others = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                String pod = "pod-" + i;
                others.add(clients.submit(() -> ask(agent, pod)));
            }
            for (int i = 0; i < others.size(); i++) {
                assertThat(others.get(i).get()).isEqualTo("pod-" + i);
            }
            assertThat(stuck.isDone()).isFalse();
            hang.countDown();
            assertThat(stuck.get()).isEqualTo("stuck");
        }
    }

    @Test
    void whateverAClientSendsTheNextOneIsServed() throws IOException {
        byte[] garbage = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        byte[] huge = ByteBuffer.allocate(13)
                .putInt(0x6d636e69)
                .put((byte) 1)
                .putInt(0)
                .putInt(100 * 1024 * 1024)
                .array();
        byte[] half = ByteBuffer.allocate(9)
                .putInt(0x6d636e69)
                .put((byte) 1)
                .putInt(5000)
                .array();
        try (AgentServer agent = start()) {
            for (byte[] bytes : List.of(garbage, huge, half, new byte[0], new byte[1])) {
                try (SocketChannel client = connect(agent)) {
                    client.write(ByteBuffer.wrap(bytes));
                }
                assertThat(ask(agent, "next")).isEqualTo("next");
            }
        }
    }

    @Test
    void aHundredMegabytesAreRefusedUnread() throws IOException {
        try (AgentServer agent = start();
                SocketChannel client = connect(agent)) {
            client.write(ByteBuffer.allocate(13)
                    .putInt(0x6d636e69)
                    .put((byte) 1)
                    .putInt(0)
                    .putInt(100 * 1024 * 1024)
                    .flip());

            assertThatThrownBy(() -> AgentProtocol.readReply(client)).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void aHandlerThatThrowsHarmsOnlyItsOwnCall() throws IOException {
        CallHandler handler = (call, _) -> {
            if (call.environment().get("POD").equals("bad")) {
                throw new IllegalStateException("on purpose");
            }
            return answer("good");
        };
        try (AgentServer agent = AgentServer.start(directory, handler, CALL_TIME)) {
            assertThatThrownBy(() -> ask(agent, "bad")).isInstanceOf(EOFException.class);
            assertThat(ask(agent, "good")).isEqualTo("good");
        }
    }

    @Test
    void anErrorOfAHandlerAndAnInterruptHarmOnlyTheirOwnCall() throws IOException {
        CallHandler handler = (call, _) -> switch (call.environment().get("POD")) {
            case "error" -> throw new AssertionError("on purpose");
            case "interrupt" -> {
                Thread.currentThread().interrupt();
                yield answer("interrupted");
            }
            default -> answer("good");
        };
        try (AgentServer agent = AgentServer.start(directory, handler, CALL_TIME)) {
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> ask(agent, "error")).isInstanceOf(EOFException.class);
                assertThatThrownBy(() -> ask(agent, "interrupt")).isInstanceOf(EOFException.class);
                assertThat(ask(agent, "good")).isEqualTo("good");
            }
        }
    }

    @Test
    void aNewAgentTakesOverFromOneThatIsStillThere() throws IOException {
        try (AgentServer _ = start();
                AgentServer second = AgentServer.start(directory, (_, _) -> answer("second"), CALL_TIME)) {
            assertThat(ask(second, "web")).isEqualTo("second");
        }
    }

    @Test
    void aSocketThatSomebodyDeletesIsThereAgain() throws Exception {
        try (AgentServer agent = start();
                AgentKeeper _ = AgentKeeper.start(agent, SOON)) {
            Files.delete(agent.socket());

            eventually("the agent is found", agent::isFound);
            assertThat(ask(agent, "web")).isEqualTo("web");
        }
    }

    @Test
    void anAgentLeavesPluginsToANewerOneAsLongAsThatLives() throws Exception {
        try (AgentServer older = start();
                AgentKeeper _ = AgentKeeper.start(older, SOON)) {
            try (AgentServer newer = AgentServer.start(directory, (_, _) -> answer("newer"), CALL_TIME)) {
                Thread.sleep(SOON.multipliedBy(20));
                assertThat(ask(newer, "web")).isEqualTo("newer");
                assertThat(older.isFound()).isFalse();
            }

            eventually("the older one is found again", older::isFound);
            assertThat(ask(older, "web")).isEqualTo("web");
        }
    }

    @Test
    void anAgentEndsWithoutWaitingForACallThatHangsAndStillAnswersIt() throws Exception {
        CountDownLatch in = new CountDownLatch(1);
        CountDownLatch hang = new CountDownLatch(1);
        CallHandler handler = (call, _) -> {
            String pod = call.environment().get("POD");
            in.countDown();
            await(pod, hang, in);
            return answer(pod);
        };
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<String> stuck;
            Path socket;
            try (AgentServer agent = AgentServer.start(directory, handler, CALL_TIME)) {
                socket = agent.socket();
                stuck = clients.submit(() -> ask(agent, "stuck"));
                in.await();
            }
            assertThatThrownBy(() -> SocketChannel.open(UnixDomainSocketAddress.of(socket)))
                    .isInstanceOf(IOException.class);
            hang.countDown();
            assertThat(stuck.get()).isEqualTo("stuck");
        }
    }

    @Test
    void anAgentThatEndedRefusesConnections() throws IOException {
        Path socket;
        try (AgentServer agent = start()) {
            socket = agent.socket();
        }
        assertThatThrownBy(() -> SocketChannel.open(UnixDomainSocketAddress.of(socket)))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aDirectoryThatCannotBeMadeIsNamed() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> AgentServer.start(file.resolve("run"), (_, _) -> answer(""), CALL_TIME))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(file.resolve("run").toString());
    }

    private AgentServer start() {
        return AgentServer.start(
                directory, (call, _) -> answer(call.environment().get("POD")), CALL_TIME);
    }

    private static void await(String pod, CountDownLatch hang, CountDownLatch allIn) {
        try {
            if (pod.equals("stuck")) {
                hang.await();
            } else {
                allIn.countDown();
                allIn.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Answer answer(String text) {
        return Answer.of(
                new AgentProtocol.Reply(0, text.getBytes(StandardCharsets.UTF_8)),
                "ADD",
                text,
                Answer.Outcome.OK,
                "test");
    }

    private static SocketChannel connect(AgentServer agent) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(agent.socket()));
    }

    private static String ask(AgentServer agent, String pod) throws IOException {
        try (SocketChannel client = connect(agent)) {
            AgentProtocol.write(client, new AgentProtocol.Request(Map.of("POD", pod), new byte[0]));
            return new String(AgentProtocol.readReply(client).stdout(), StandardCharsets.UTF_8);
        }
    }
}
