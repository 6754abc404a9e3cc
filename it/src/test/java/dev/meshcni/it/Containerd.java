// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * A real containerd of the test's own: its own directories, socket, images, CNI configuration and plugin directory, and
 * namespaces that play the node: a network namespace, so that what the base CNI changes on the host is changed there,
 * and a process namespace, whose first process sits in that network namespace as a node's init does.
 *
 * <p>Closing it ends its sandboxes and processes and removes its files; its mounts go with its mount namespace.
 */
final class Containerd implements AutoCloseable {
    /** An image with a shell and a few applets. */
    static final String APP_IMAGE = "localhost/app:1";

    private static final String PAUSE_IMAGE = "localhost/pause:1";
    /**
     * The node's first process, which reaps the orphans and with which all others end.
     *
     * <p>libcni keeps results in /var/lib/cni, which no option of containerd's changes: so the node gets a /var/lib of
     * its own. The mount below that directory must not spread to the host, but those in /run/netns must.
     */
    private static final String INIT = """
            mount --make-private "$(findmnt --noheadings --output TARGET --target /var/lib)"
            mount --bind "$1" /var/lib
            shift
            trap 'kill $!' TERM
            "$@" &
            wait || wait
            """;

    private static final Duration CALL_DEADLINE = Duration.ofSeconds(60);
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);

    private final Path directory;
    private final Netns node;
    private final Process process;
    private final CriClient cri;
    private final List<Path> netnsSeen = new CopyOnWriteArrayList<>();

    private Containerd(Path directory, Netns node, Process process) {
        this.directory = directory;
        this.node = node;
        this.process = process;
        this.cri = new CriClient(socket(directory), CALL_DEADLINE);
    }

    /** Skips the test unless this machine can run it. */
    static void needed() {
        Machine.needs("ip", "nsenter", "containerd", "ctr", "runc", "busybox", "tar", "unshare", "findmnt");
        Machine.needsPlugins("loopback", "ptp", "host-local");
    }

    /** Starts it, without a CNI configuration, and with all reference plugins. */
    static Containerd start() {
        try {
            Path directory = Files.createTempDirectory("it-containerd-");
            Netns node = Netns.create("node");
            Containerd containerd = new Containerd(directory, node, launch(directory, node));
            try {
                containerd.cri.version();
                containerd.importImage(PAUSE_IMAGE, List.of("/bin/busybox", "sleep", "1000000"));
                containerd.importImage(APP_IMAGE, List.of("/bin/sh"));
                return containerd;
            } catch (RuntimeException e) {
                containerd.close();
                throw new IllegalStateException("containerd did not start: " + containerd.log(), e);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    CriClient cri() {
        return cri;
    }

    /** The namespace that is the node's: where the host ends of the pods' cables are. */
    Netns node() {
        return node;
    }

    Path confDirectory() {
        return directory.resolve("net.d");
    }

    Path pluginDirectory() {
        return directory.resolve("bin");
    }

    /** Where the base CNI of a test may keep its addresses. */
    Path ipamDirectory() {
        return directory.resolve("ipam");
    }

    /** A cgroup for the sandboxes, which goes with this containerd. */
    String cgroupParent() {
        return "/" + directory.getFileName();
    }

    /**
     * A program and its arguments, to be started on the node: in its network, its mounts and its processes. The process
     * that is started is nsenter, which waits for the program, its only child.
     */
    List<String> commandLine(String... line) {
        String init = String.valueOf(init().orElseThrow().pid());
        return Stream.concat(Stream.of("nsenter", "--target", init, "--net", "--mount", "--pid", "--"), Stream.of(line))
                .toList();
    }

    /** Makes a plugin known by a symbolic link. */
    void plugin(String type, Path target) {
        try {
            Files.createSymbolicLink(pluginDirectory().resolve(type), target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Puts a network configuration in place, in one step, and waits until the runtime has loaded it. */
    void configure(String fileName, String conf) {
        try {
            Path written = Files.writeString(confDirectory().resolve("." + fileName + ".new"), conf);
            Files.move(written, confDirectory().resolve(fileName), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Eventually.isTrue(
                "the runtime has loaded " + fileName,
                () -> cri.unmetConditions().isEmpty());
    }

    /** The types of the plugins of a network that the runtime has loaded, none if it has not. */
    List<String> loaded(String network) {
        return cri.networks()
                .valueStream()
                .map(loaded -> loaded.path("Config"))
                .filter(config -> config.path("Name").asText().equals(network))
                .flatMap(config -> config.path("Plugins").valueStream())
                .map(plugin -> plugin.at("/Network/type").asText())
                .toList();
    }

    /** Runs containerd's own client, on the images and containers that the runtime interface shows. */
    String ctr(String... arguments) {
        List<String> line =
                new ArrayList<>(List.of("ctr", "--address", socket(directory).toString(), "--namespace", "k8s.io"));
        line.addAll(List.of(arguments));
        return Command.of(line.toArray(String[]::new))
                .within(Duration.ofMinutes(2))
                .run();
    }

    /** A sandbox of a pod, in a cgroup below this containerd's that names the pod as the kubelet does. */
    CriClient.Sandbox sandbox(String namespace, String name, String uid, Map<String, String> annotations) {
        return new CriClient.Sandbox(
                namespace, name, uid, annotations, cgroupParent() + "/kubepods/besteffort/pod" + uid);
    }

    /** The network namespace of a sandbox; remembered, so that {@link #leftovers} looks for it later. */
    Path netns(String sandboxId) {
        Path netns = cri.status(sandboxId).netns();
        netnsSeen.add(netns);
        return netns;
    }

    /** What there still is on the host of any sandbox, one line each; empty after all of them were removed. */
    List<String> leftovers() {
        List<String> found = new ArrayList<>();
        cri.sandboxes().forEach(id -> found.add("sandbox " + id));
        netnsSeen.stream().filter(Files::exists).forEach(netns -> found.add("namespace " + netns));
        HostState.mounts(process.pid()).stream()
                .filter(mount -> mount.startsWith(directory.resolve("state")))
                .forEach(mount -> found.add("mount " + mount));
        init().stream()
                .flatMap(init -> HostState.descendants(init).stream())
                .filter(other -> !HostState.commandLine(other).startsWith("containerd\0"))
                .forEach(other -> found.add("process " + HostState.commandLine(other)));
        node.links().stream().filter(link -> !link.equals("lo")).forEach(link -> found.add("link " + link));
        HostState.files(directory.resolve("varlib/cni/results")).forEach(file -> found.add("result " + file));
        natRules().forEach(rule -> found.add("rule " + rule));
        HostState.files(ipamDirectory()).stream()
                .filter(file -> Character.isDigit(file.getFileName().toString().charAt(0)))
                .forEach(file -> found.add("address " + file.getFileName()));
        return found;
    }

    /** What containerd has written so far. */
    String log() {
        try {
            return Files.readString(directory.resolve("containerd.log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Override
    public void close() {
        try (node) {
            endSandboxes();
            cri.close();
            init().ifPresent(Containerd::end);
            HostState.processesNaming(directory.toString()).forEach(Containerd::end);
            netnsSeen.stream()
                    .filter(Files::exists)
                    .forEach(netns -> Command.of(
                                    "ip", "netns", "delete", netns.getFileName().toString())
                            .run());
            HostState.processesIn(cgroupParent()).forEach(ProcessHandle::destroyForcibly);
            HostState.removeCgroups(cgroupParent());
            HostState.removeTree(directory);
        }
    }

    /** The node's first process, the only child of the unshare that has made its namespaces. */
    private Optional<ProcessHandle> init() {
        return process.children().findFirst();
    }

    private static Path socket(Path directory) {
        return directory.resolve("containerd.sock");
    }

    private static Process launch(Path directory, Netns node) throws IOException {
        Files.createDirectory(directory.resolve("net.d"));
        Path plugins = Files.createDirectory(directory.resolve("bin"));
        try (var installed = Files.list(Machine.Plugins.DIRECTORY)) {
            for (Path plugin : installed.toList()) {
                Files.createSymbolicLink(plugins.resolve(plugin.getFileName()), plugin);
            }
        }
        Path config = Files.writeString(directory.resolve("config.toml"), config(directory));
        Path varLib = Files.createDirectory(directory.resolve("varlib"));
        List<String> line = node.commandLine(
                "unshare",
                "--mount",
                "--propagation",
                "unchanged",
                "--pid",
                "--fork",
                "--mount-proc",
                "sh",
                "-ec",
                INIT,
                "init",
                varLib.toString(),
                "containerd",
                "--config",
                config.toString());
        return new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("containerd.log").toFile())
                .start();
    }

    private static String config(Path directory) {
        return """
                version = 2
                root = "%1$s/root"
                state = "%1$s/state"
                disabled_plugins = [
                  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
                  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
                  "io.containerd.snapshotter.v1.zfs"
                ]
                [grpc]
                address = "%2$s"
                [ttrpc]
                address = "%2$s.ttrpc"
                [plugins."io.containerd.grpc.v1.cri"]
                sandbox_image = "%3$s"
                restrict_oom_score_adj = true
                disable_apparmor = true
                stream_server_address = "127.0.0.1"
                stream_server_port = "0"
                [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = "%1$s/bin"
                conf_dir = "%1$s/net.d"
                """.formatted(directory, socket(directory), PAUSE_IMAGE);
    }

    private void importImage(String name, List<String> entrypoint) throws IOException {
        Path work = Files.createTempDirectory(directory, "image-");
        Path archive = DockerArchive.busybox(work, name, entrypoint);
        ctr("images", "import", archive.toString());
    }

    private List<String> natRules() {
        return node.run("iptables", "-t", "nat", "-S")
                .lines()
                .filter(line -> line.startsWith("-A"))
                .toList();
    }

    private void endSandboxes() {
        try {
            for (String id : cri.sandboxes()) {
                netns(id);
                cri.stop(id);
                cri.remove(id);
            }
        } catch (RuntimeException e) {
            // A runtime in a bad state is ended by force below; the first failure of the test is what counts.
            System.getLogger(Containerd.class.getName()).log(System.Logger.Level.WARNING, "sandboxes not ended", e);
        }
    }

    private static void end(ProcessHandle process) {
        process.destroy();
        try {
            process.onExit().get(STOP_PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
