// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.hostile;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.it.Command;
import dev.meshcni.it.Dist;
import dev.meshcni.it.Machine;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The plugin believes no agent that somebody other than root can have put where the agent should be. What the false
 * agents of this test answer is a success: a pod of the mesh would start without its rules.
 */
@NeedsRoot("starts the plugin as the runtime does")
class RunDirectoryTest {
    private static final int SOMEBODY = 4711;
    private static final String ANSWER = "{\"cniVersion\":\"1.0.0\",\"false\":true}";
    private static final String TRY_AGAIN = "\"code\":11";

    @TempDir
    private Path root;

    private Path runDirectory;

    /** How somebody other than root can have a say in what is found in the run directory. */
    enum Hold {
        OWNS_THE_DIRECTORY {
            @Override
            Path take(Path runDirectory) throws IOException {
                Files.setAttribute(runDirectory, "unix:uid", SOMEBODY);
                return runDirectory;
            }
        },
        MAY_READ_THE_DIRECTORY {
            @Override
            Path take(Path runDirectory) throws IOException {
                return mode(runDirectory, "rwxr-xr-x");
            }
        },
        MAY_WRITE_INTO_THE_DIRECTORY {
            @Override
            Path take(Path runDirectory) throws IOException {
                return mode(runDirectory, "rwx-wx---");
            }
        },
        OWNS_THE_DIRECTORY_ABOVE {
            @Override
            Path take(Path runDirectory) throws IOException {
                Files.setAttribute(runDirectory.getParent(), "unix:uid", SOMEBODY);
                return runDirectory;
            }
        },
        MAY_WRITE_INTO_THE_DIRECTORY_ABOVE {
            @Override
            Path take(Path runDirectory) throws IOException {
                mode(runDirectory.getParent(), "rwxrwxrwx");
                return runDirectory;
            }
        },
        OWNS_A_LINK_TO_IT {
            @Override
            Path take(Path runDirectory) throws IOException {
                Path link = Files.createSymbolicLink(runDirectory.resolveSibling("link"), runDirectory);
                Files.setAttribute(link, "unix:uid", SOMEBODY, LinkOption.NOFOLLOW_LINKS);
                return link;
            }
        };

        /** Takes it, and says by which path the configuration names the directory. */
        abstract Path take(Path runDirectory) throws IOException;
    }

    @BeforeEach
    void makeDirectory() throws IOException {
        Machine.needs("ip", "nsenter");
        Dist.needed();
        Files.createDirectory(root.resolve("run"));
        runDirectory = mode(Files.createDirectory(root.resolve("run/istio-cni")), "rwx------");
    }

    @Test
    void rootsAgentInRootsDirectoryIsBelieved() throws IOException {
        try (FalseAgent agent = FalseAgent.in(runDirectory)) {
            Command.Result result = add(runDirectory);

            assertThat(result.out()).isEqualTo(ANSWER);
            assertThat(agent.calls()).isEqualTo(1);
        }
    }

    @Test
    void aLinkOfRootsIsFollowed() throws IOException {
        Path link = Files.createSymbolicLink(root.resolve("link"), runDirectory);
        try (FalseAgent _ = FalseAgent.in(runDirectory)) {
            assertThat(add(link).out()).isEqualTo(ANSWER);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whereSomebodyElseHasASayNobodyIsAsked(Hold hold) throws IOException {
        try (FalseAgent agent = FalseAgent.in(runDirectory)) {
            Path named = hold.take(runDirectory);

            Command.Result result = add(named);

            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.out()).contains(TRY_AGAIN, root.toString()).doesNotContain("\"false\"");
            assertThat(agent.calls()).isZero();
        }
    }

    @Test
    void anAgentThatIsNotRootsIsNotBelievedEvenInRootsDirectory() throws Exception {
        Machine.needs("perl");
        Path socket = runDirectory.resolve(AgentProtocol.SOCKET_NAME);
        mode(runDirectory, "rwxrwxrwx");
        mode(root, "rwxr-xr-x");
        Process listener = new ProcessBuilder("perl", "-MSocket", "-e", """
                $( = $) = 65534; $< = $> = 65534; $SIG{PIPE} = 'IGNORE';
                socket(S, AF_UNIX, SOCK_STREAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die "$!"; listen(S, 5) or die;
                $| = 1; print "listening\\n"; accept(C, S); print "got ", sysread(C, $_, 1 << 16) || 0, "\\n"; sleep 30;""", socket.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(listener.inputReader().readLine()).isEqualTo("listening");
            mode(runDirectory, "rwx------");

            Command.Result result = add(runDirectory);

            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.out()).contains(TRY_AGAIN, "not as root");
            assertThat(listener.inputReader().readLine()).as("what it was told").isEqualTo("got 0");
        } finally {
            listener.destroyForcibly();
        }
    }

    private static Command.Result add(Path runDirectory) {
        return Command.of(Dist.program("istio-cni").toString())
                .onlyEnvironment(Map.of(
                        "CNI_COMMAND", "ADD",
                        "CNI_CONTAINERID", "0123456789abcdef",
                        "CNI_NETNS", "/var/run/netns/none",
                        "CNI_IFNAME", "eth0",
                        "CNI_PATH", "/opt/cni/bin",
                        "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart"))
                .input("""
                        {"cniVersion":"1.0.0","name":"net","type":"istio-cni","cni_agent_run_dir":"%s",
                         "prevResult":{"cniVersion":"1.0.0"}}""".formatted(runDirectory))
                .result();
    }

    private static Path mode(Path path, String mode) throws IOException {
        return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    /** Says yes to everything. */
    private static final class FalseAgent implements AutoCloseable {
        private final ServerSocketChannel server;
        private final AtomicInteger calls = new AtomicInteger();

        private FalseAgent(ServerSocketChannel server) {
            this.server = server;
        }

        static FalseAgent in(Path directory) throws IOException {
            FalseAgent agent = new FalseAgent(ServerSocketChannel.open(StandardProtocolFamily.UNIX));
            agent.server.bind(UnixDomainSocketAddress.of(directory.resolve(AgentProtocol.SOCKET_NAME)));
            Thread.ofPlatform().daemon().name("false-agent").start(agent::serve);
            return agent;
        }

        int calls() {
            return calls.get();
        }

        @Override
        public void close() throws IOException {
            server.close();
        }

        private void serve() {
            while (server.isOpen()) {
                answerOne();
            }
        }

        private void answerOne() {
            try (SocketChannel plugin = server.accept()) {
                calls.incrementAndGet();
                AgentProtocol.readRequest(plugin);
                AgentProtocol.write(plugin, new AgentProtocol.Reply(0, ANSWER.getBytes(UTF_8)));
            } catch (IOException e) {
                // The end of the test, or a plugin that has connected and not asked.
                return;
            }
        }
    }
}
