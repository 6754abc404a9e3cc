// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileSteps;
import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.host.linux.HostRoot;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A host of which this process sees all below one directory, as a container does, and whose runtime may read another
 * configuration directory than the one that is set.
 */
final class MovingNode {
    static final String FIRST = "/etc/cni/net.d";
    static final String SECOND = "/var/lib/runtime/net.d";
    static final String FILE = "10-ptp.conflist";
    static final String RECORD = ".mesh-cni/conf-dirs.json";

    private final Path host;
    private final TestNode node;

    /** What the last installer of this node has found. */
    final List<Finding> found = new ArrayList<>();

    private MovingNode(Path host, TestNode node) {
        this.host = host;
        this.node = node;
    }

    /** A host with the same base CNI in two directories. */
    static MovingNode in(Path host) throws IOException {
        MovingNode node = new MovingNode(host, TestNode.in(host));
        node.directory(FIRST);
        node.directory(SECOND);
        return node;
    }

    /** Makes a directory with the configuration of a base CNI. */
    void directory(String onHost) throws IOException {
        Files.createDirectories(here(onHost));
        Files.copy(
                TestInstallers.confDirs().resolve("ptp").resolve(FILE),
                here(onHost).resolve(FILE));
    }

    /** Where a path of the host is seen. */
    Path here(String onHost) {
        return host.resolve(onHost.substring(1));
    }

    Map<String, String> conf(String onHost) throws IOException {
        return TestNode.contents(here(onHost));
    }

    /** Whether the file of the base CNI in a directory calls our plugin. */
    boolean calls(String onHost) throws IOException {
        return Files.readString(here(onHost).resolve(FILE)).contains("\"istio-cni\"");
    }

    Path record() {
        return node.binDir().resolve(RECORD);
    }

    Path link() {
        return node.link();
    }

    /** From now on neither the plugin nor another one from its source starts. */
    void breakPlugin() throws IOException {
        byte[] broken = "#!/no/such/shell\n".getBytes(UTF_8);
        node.plugin(broken);
        Files.write(node.link(), broken);
    }

    Map<String, String> plugins() throws IOException {
        return TestNode.contents(node.binDir());
    }

    /** An installer into a directory, which has claimed the node. */
    Installer installer(String onHost) throws IOException {
        return installer(onHost, HostRoot.at(host));
    }

    Installer installer(String onHost, HostRoot root) throws IOException {
        return installer(here(onHost), Path.of(onHost), root, new DiskSteps(), "");
    }

    Installer installer(String onHost, FileSteps steps, String ownedName) throws IOException {
        return installer(here(onHost), Path.of(onHost), HostRoot.at(host), steps, ownedName);
    }

    /**
     * The same.
     *
     * @param mounted where the directory is mounted here
     */
    Installer installer(Path mounted, Path onHost, HostRoot root, FileSteps steps, String ownedName)
            throws IOException {
        InstallerSettings settings = new InstallerSettings(
                mounted,
                onHost,
                node.binDir(),
                node.binDir(),
                node.runDirectory(),
                node.source(),
                new InstallSettings(true, "", TestInstallers.entry(), false, ownedName),
                false,
                node.checkInterval());
        found.clear();
        Installer installer = Installer.with(
                settings,
                new Findings(),
                new Installer.Parts(
                        steps,
                        RunningPlugins.in(node.proc()),
                        HostProgram.inOwnMounts(),
                        root,
                        TestInstallers.ADAPTERS,
                        RewriteBackoff.Limits.DEFAULT));
        installer.claim();
        return installer;
    }

    private final class Findings implements InstallEvents {
        @Override
        public void found(List<Finding> findings) {
            found.clear();
            found.addAll(findings);
        }

        @Override
        public void attempted(Result result) {}

        @Override
        public void rewritten(Part part) {}

        @Override
        public void ready(boolean ready) {}
    }
}
