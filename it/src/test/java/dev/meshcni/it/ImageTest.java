// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.manifest.ManifestInput;
import dev.meshcni.manifest.NodeManifests;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon's image, run by containerd as its DaemonSet has it run: with the mounts, the capabilities and the
 * variables of the manifest, and a root file system that cannot be written.
 */
@Slow
@NeedsRoot("makes network namespaces")
class ImageTest {
    private static final String CONTAINER = "install-cni";
    private static final String ANYWHERE = "10.1.2.3";

    /** What a container of ctr's has unless it is taken away. */
    private static final List<String> USUAL_CAPABILITIES = List.of(
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "NET_BIND_SERVICE",
            "NET_RAW",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT");

    private static Path archive;
    private static Containerd containerd;
    private static String image;

    private final Arrivals arrivals = new Arrivals();

    @TempDir
    private Path directory;

    @BeforeAll
    static void importImage() {
        Containerd.needed();
        archive = DaemonImage.build();
        containerd = Containerd.start();
        containerd.node().claimAllAddresses();
        image = containerd
                .ctr("images", "import", archive.toString())
                .replaceFirst("^unpacking ([^ ]+) [^$]*$", "$1")
                .strip();
    }

    @AfterAll
    static void stopRuntime() {
        if (containerd != null) {
            containerd.close();
        }
    }

    @Test
    void installsThePluginAndRedirectsAPod() throws IOException {
        Path pods = Files.createDirectory(directory.resolve("pods"));
        Files.createDirectory(directory.resolve("run"));
        Files.writeString(
                pods.resolve("cart-0.json"),
                PodManifest.injected("shop", "cart-0", "uid-cart-0").json());
        containerd.configure("10-ptp.conflist", BaseChain.ptp(containerd.ipamDirectory()));
        start(pods, containerd.confDirectory());
        try {
            Eventually.isTrue(
                    "the daemon has installed the plugin: " + log(),
                    () -> read(conf()).contains("istio-cni"));
            assertThat(containerd.pluginDirectory().resolve("istio-cni")).isSymbolicLink();
            String sandbox = containerd.cri().run(containerd.sandbox("shop", "cart-0", "uid-cart-0", Map.of()));
            Netns netns = Netns.existing(containerd.netns(sandbox));
            try (ProbeServer _ = ProbeServer.start("proxy", arrivals, netns, Owner.PROXY, List.of(15001, 15006))) {
                assertThat(new ProbeSender(netns, arrivals)
                                .send(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))
                                .place())
                        .isEqualTo("proxy:15001");
            }
            containerd.cri().stop(sandbox);
            containerd.cri().remove(sandbox);
        } finally {
            stop();
        }
    }

    @Test
    void takesTheEntryOutOfADirectoryThatIsNotMountedAnyMore() throws IOException {
        Path pods = Files.createDirectory(directory.resolve("pods"));
        Files.createDirectory(directory.resolve("run"));
        Path former = Files.createDirectory(directory.resolve("former-net.d"));
        Path current = Files.createDirectory(directory.resolve("net.d"));
        String original = BaseChain.ptp(containerd.ipamDirectory());
        Files.writeString(former.resolve("10-ptp.conflist"), original);
        Files.writeString(current.resolve("10-ptp.conflist"), original);
        start(pods, former);
        try {
            Eventually.isTrue(
                    "the daemon has installed the plugin: " + log(),
                    () -> read(former.resolve("10-ptp.conflist")).contains("istio-cni"));
        } finally {
            stop();
        }
        start(pods, current);
        try {
            Eventually.isTrue(
                    "the entry has moved: " + log(),
                    () -> read(current.resolve("10-ptp.conflist")).contains("istio-cni")
                            && read(former.resolve("10-ptp.conflist")).equals(original));
        } finally {
            stop();
        }
    }

    @Test
    void hasNoPackageManagerAndNoProgramsButThoseItNeeds() throws IOException {
        Command.of("tar", "-xf", archive.toString(), "-C", directory.toString()).run();
        JsonNode layers = new ObjectMapper()
                .readTree(directory.resolve("manifest.json").toFile())
                .at("/0/Layers");
        List<String> programs = new ArrayList<>();
        for (JsonNode layer : layers) {
            Command.of("tar", "-tvzf", directory.resolve(layer.asText()).toString())
                    .run()
                    .lines()
                    .filter(line -> line.matches("-..x.*"))
                    .map(line -> line.replaceFirst(".* \\./", ""))
                    .filter(file -> !file.contains("/lib/") && !file.contains("-linux-gnu/"))
                    .forEach(programs::add);
        }

        assertThat(programs)
                .containsExactlyInAnyOrder(
                        "bin/dash",
                        "usr/bin/nsenter",
                        "usr/sbin/xtables-legacy-multi",
                        "usr/sbin/xtables-nft-multi",
                        "opt/mesh-cni/bin/install-cni",
                        "opt/mesh-cni/bin/istio-cni",
                        "opt/mesh-cni/bin/meshcni",
                        "opt/mesh-cni/runtime/bin/java");
    }

    /** Starts it with what the manifest says, in the network namespace of the node. */
    private void start(Path pods, Path confDirectory) throws IOException {
        Map<String, Object> resources = resources();
        DaemonSet daemonSet = (DaemonSet) resources.get("DaemonSet");
        Container container =
                daemonSet.getSpec().getTemplate().getSpec().getContainers().getFirst();
        List<String> line = new ArrayList<>(List.of("run", "--detach", "--net-host", "--read-only"));
        line.addAll(List.of("--cgroup", containerd.cgroupParent() + "/" + CONTAINER));
        line.addAll(List.of("--log-uri", "file://" + Files.writeString(directory.resolve("log"), "")));
        List<String> wanted = container.getSecurityContext().getCapabilities().getAdd();
        USUAL_CAPABILITIES.stream()
                .filter(capability -> !wanted.contains(capability))
                .forEach(capability -> line.addAll(List.of("--cap-drop", "CAP_" + capability)));
        wanted.forEach(capability -> line.addAll(List.of("--cap-add", "CAP_" + capability)));
        container.getEnv().stream()
                .filter(variable ->
                        variable.getValueFrom() == null && !variable.getName().equals("CNI_NET_DIR_ON_HOST"))
                .forEach(variable -> line.addAll(List.of("--env", variable.getName() + "=" + variable.getValue())));
        Map<String, String> hostPaths = daemonSet.getSpec().getTemplate().getSpec().getVolumes().stream()
                .collect(Collectors.toMap(
                        Volume::getName, volume -> volume.getHostPath().getPath()));
        for (VolumeMount mount : container.getVolumeMounts()) {
            line.addAll(List.of("--mount", mount(mount, hostPaths.get(mount.getName()), confDirectory)));
        }
        line.addAll(List.of("--env", "CNI_NET_DIR_ON_HOST=" + confDirectory));
        line.addAll(List.of("--env", "CNI_AGENT_RUN_DIR=" + directory.resolve("run")));
        line.addAll(List.of("--mount", "type=bind,src=" + pods + ",dst=/pods,options=rbind:ro"));
        line.addAll(List.of(image, CONTAINER));
        line.addAll(container.getCommand());
        line.addAll(List.of("--pod-manifest-dir", "/pods"));
        containerd.ctr(line.toArray(String[]::new));
    }

    /**
     * The directories of this node are the test's own, and so is the agent's: the plugin, which is not in a container,
     * looks for it under the same path. {@code rslave} is Kubernetes' HostToContainer.
     */
    private String mount(VolumeMount mount, String hostPath, Path confDirectory) {
        String source = switch (mount.getName()) {
            case "cni-bin-dir" -> containerd.pluginDirectory().toString();
            case "cni-net-dir" -> confDirectory.toString();
            case "cni-run-dir" -> directory.resolve("run").toString();
            default -> hostPath;
        };
        String target = mount.getName().equals("cni-run-dir") ? source : mount.getMountPath();
        String access = Boolean.TRUE.equals(mount.getReadOnly()) ? "ro" : "rw";
        String propagation = "HostToContainer".equals(mount.getMountPropagation()) ? "rslave" : "rprivate";
        return "type=bind,src=" + source + ",dst=" + target + ",options=rbind:" + access + ":" + propagation;
    }

    private static Map<String, Object> resources() {
        Object read = new KubernetesSerialization()
                .unmarshal(NodeManifests.of(new ManifestInput(List.of(), List.of(), Optional.empty(), Optional.empty()))
                        .yaml());
        return ((Collection<?>) read)
                .stream()
                        .map(Object.class::cast)
                        .collect(Collectors.toMap(
                                resource -> resource.getClass().getSimpleName(),
                                Function.identity(),
                                (first, _) -> first));
    }

    private static void stop() {
        containerd.ctr("tasks", "kill", "--signal", "SIGTERM", CONTAINER);
        Eventually.isTrue(
                "the daemon has ended", () -> containerd.ctr("tasks", "ls").contains("STOPPED"));
        containerd.ctr("tasks", "delete", CONTAINER);
        containerd.ctr("containers", "delete", CONTAINER);
    }

    private static Path conf() {
        return containerd.confDirectory().resolve("10-ptp.conflist");
    }

    private String log() {
        return read(directory.resolve("log"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
