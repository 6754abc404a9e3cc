// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.config.DaemonException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * The options of the installer, for {@code install-cni} and for the commands that do its work once. Names and defaults
 * are those of Istio's install-cni where it has the option.
 */
public final class InstallerOptions {
    private static final String STANDALONE_CONF = "YYY-istio-cni.conf";

    @Option(
            names = "--mounted-cni-net-dir",
            paramLabel = "DIR",
            defaultValue = "/host/etc/cni/net.d",
            description = "CNI configuration directory of the node, as mounted here. Default: ${DEFAULT-VALUE}.")
    private Path confDir;

    @Option(
            names = "--cni-net-dir-on-host",
            paramLabel = "DIR",
            description = "Path of the same directory on the host. Default: the mounted path without /host.")
    private Path confDirOnHost;

    @Option(
            names = "--cni-conf-name",
            paramLabel = "FILE",
            defaultValue = "",
            description = {
                "File to install into, instead of the one the container runtime uses; the daemon waits for it to"
                        + " exist.",
                "Unchained: the file to write, by default " + STANDALONE_CONF + "."
            })
    private String confName;

    @Option(
            names = "--chained-cni-plugin",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "true",
            description = "Chain the plugin behind the base CNI, or (false) write a separate file. Default:"
                    + " ${DEFAULT-VALUE}.")
    private boolean chained;

    @Option(
            names = "--force-unchained-conf",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = {
                "Write the separate file also where no Multus would call it, or where it would be the network of pods.",
                "Default: ${DEFAULT-VALUE}."
            })
    private boolean forced;

    @Option(
            names = "--istio-owned-cni-config",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = {
                "Leave the base CNI's file as it is, and copy it with the plugin chained into a file that sorts before"
                        + " it. Default: ${DEFAULT-VALUE}."
            })
    private boolean owned;

    @Option(
            names = {"--istio-owned-cni-config-filename", "--istio-owned-cni-conf-filename"},
            paramLabel = "FILE",
            defaultValue = "02-istio-cni.conflist",
            description = {
                "Name of that file. The variable of Istio's chart, ISTIO_OWNED_CNI_CONF_FILENAME, means the same.",
                "Default: ${DEFAULT-VALUE}."
            })
    private String ownedName;

    @Option(
            names = "--cni-conf-group-read",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = {
                "Make the plugin's own file readable by its group (mode 0640 instead of 0600).",
                "Files of the base CNI keep their mode."
            })
    private boolean groupRead;

    @Option(
            names = "--cni-bin-target-dir",
            paramLabel = "DIR",
            defaultValue = "/host/opt/cni/bin",
            description = "CNI plugin directory of the node, as mounted here. Default: ${DEFAULT-VALUE}.")
    private Path binDir;

    @Option(
            names = "--cni-bin-dir-on-host",
            paramLabel = "DIR",
            description = "Path of the same directory on the host. Default: the mounted path without /host.")
    private Path binDirOnHost;

    @Option(
            names = "--plugin-source-dir",
            paramLabel = "DIR",
            description = "Directory tree to copy the plugin from. Default: the one that this program runs from.")
    private Path sourceDir;

    @Option(
            names = "--chain-adapter-dir",
            paramLabel = "DIR",
            description = "Directory of JAR files with chain adapters for further base CNIs.")
    private Path adapterDir;

    /** For picocli, which fills it. */
    public InstallerOptions() {}

    /** The settings that the options give, with the plugin's configuration, for an installation that is made once. */
    public InstallerSettings settings(PluginOptions plugin) {
        return settings(plugin, Duration.ZERO);
    }

    /**
     * The settings that the options give, with the plugin's configuration.
     *
     * @param checkInterval how often what is installed is compared with what it should be
     * @throws DaemonException if options exclude each other
     */
    public InstallerSettings settings(PluginOptions plugin, Duration checkInterval) {
        String file = confName.isEmpty() && !chained ? STANDALONE_CONF : confName;
        return new InstallerSettings(
                absolute(confDir),
                absolute(Optional.ofNullable(confDirOnHost).orElseGet(() -> withoutHost(confDir))),
                absolute(binDir),
                absolute(Optional.ofNullable(binDirOnHost).orElseGet(() -> withoutHost(binDir))),
                plugin.agentRunDirectory(),
                absolute(Optional.ofNullable(sourceDir).orElseGet(InstallerOptions::ownTree)),
                new InstallSettings(chained, file, plugin.entry(), forced, ownedName()),
                groupRead,
                checkInterval);
    }

    /**
     * The chain adapters of this installation and of the directory that the options name.
     *
     * @throws DaemonException if one cannot be used
     */
    public ChainAdapters adapters() {
        return ChainAdapterJars.load(Optional.ofNullable(adapterDir));
    }

    /** The jars in the directory of adapters that provide none. */
    public List<Path> idleJars() {
        return Optional.ofNullable(adapterDir).map(ChainAdapterJars::idle).orElse(List.of());
    }

    private String ownedName() {
        if (!owned) {
            return "";
        }
        if (!chained) {
            throw new DaemonException("--istio-owned-cni-config needs a chained plugin: leave out one of"
                    + " --istio-owned-cni-config (Helm: istioOwnedCNIConfig) and --chained-cni-plugin=false (Helm:"
                    + " chained)");
        }
        if (ownedName.indexOf('/') >= 0 || !ownedName.endsWith(".conflist")) {
            throw new DaemonException("--istio-owned-cni-config-filename (Helm: istioOwnedCNIConfigFileName) is "
                    + ownedName + ", but must be a file name that ends in .conflist");
        }
        return ownedName;
    }

    /** Paths are written into files, and used by programs that run elsewhere; an absolute one stays as it is. */
    private static Path absolute(Path path) {
        return path.isAbsolute() ? path : path.toAbsolutePath().normalize();
    }

    private static Path withoutHost(Path dir) {
        return dir.startsWith("/host") && dir.getNameCount() > 1
                ? Path.of("/").resolve(dir.subpath(1, dir.getNameCount()))
                : dir;
    }

    /** The run-time image that this program runs on lies in the tree that holds the plugin. */
    private static Path ownTree() {
        return Path.of(System.getProperty("java.home"))
                .resolveSibling("")
                .toAbsolutePath()
                .normalize();
    }
}
