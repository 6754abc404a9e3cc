// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.Attachment;
import dev.meshcni.api.CniCommand;
import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.NetworkConfigList.Plugin;
import dev.meshcni.api.Quote;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.api.VersionInfo;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Runs the plugins of a network as a container runtime does (CNI specification 1.1, section 3, and libcni). Keeps
 * nothing between calls: the result of ADD, which CHECK and DEL want, is the caller's to keep.
 *
 * <p>A plugin's failure is a {@link CniException} with the plugin's code and details; its message names the plugin.
 * Safe for use by many threads at once.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class PluginChain {
    private final PluginPath path;
    private final PluginProcess process;

    /**
     * @param path the directories in which plugins are looked for, in order; also their {@code CNI_PATH}
     * @param environment variables for plugins in addition to the {@code CNI_} ones. They inherit nothing, so one that
     *     starts programs, such as portmap, needs a {@code PATH} here
     * @param timeout how long one plugin may take for one call; then it is killed
     */
    public PluginChain(List<Path> path, Map<String, String> environment, Duration timeout) {
        this.path = new PluginPath(path);
        this.process = new PluginProcess(environment, timeout);
    }

    /**
     * ADD: runs all plugins in order, each with the result of the one before it, and stops at the first that fails.
     * What the others did by then is taken back by {@link #del}, which is the caller's to call.
     *
     * @return the result of the last plugin
     */
    public CniResult add(NetworkConfigList list, AttachmentParameters attachment) {
        requireValid(list, attachment);
        SpecVersion version = list.specVersion();
        Optional<CniResult> result = Optional.empty();
        for (Plugin plugin : list.plugins()) {
            ObjectNode config = config(list, plugin, result, attachment);
            ObjectNode output = call(CniCommand.ADD, plugin, config, environment(CniCommand.ADD, attachment))
                    .orElseThrow(() -> new CniException(
                            ErrorCode.DECODING_FAILURE, describe(plugin) + " succeeded without a result (ADD)", ""));
            result = Optional.of(CniResult.parse(output, version));
        }
        return result.orElseThrow();
    }

    /**
     * ADD, or nothing: if a plugin fails, DEL takes back what others had done by then. If DEL fails as well, its
     * failure is suppressed in that of ADD ({@link Throwable#getSuppressed}), which it never hides.
     *
     * @return the result of the last plugin
     */
    public CniResult addOrUndo(NetworkConfigList list, AttachmentParameters attachment) {
        try {
            return add(list, attachment);
        } catch (CniException e) {
            try {
                del(list, attachment, Optional.empty());
            } catch (CniException undo) {
                e.addSuppressed(undo);
            }
            throw e;
        }
    }

    /**
     * CHECK: runs all plugins in order, each with what ADD ended with. Does nothing if the list disables CHECK.
     *
     * @throws CniException also with {@link ErrorCode#INCOMPATIBLE_VERSION} if the list is older than 0.4.0, which
     *     brought CHECK
     */
    public void check(NetworkConfigList list, AttachmentParameters attachment, CniResult prevResult) {
        requireValid(list, attachment);
        if (!list.specVersion().atLeast(CniCommand.CHECK.since())) {
            throw new CniException(
                    ErrorCode.INCOMPATIBLE_VERSION,
                    "configuration version " + list.specVersion() + " does not support CHECK",
                    "");
        }
        if (list.disableCheck()) {
            return;
        }
        for (Plugin plugin : list.plugins()) {
            ObjectNode config = config(list, plugin, Optional.of(prevResult), attachment);
            call(CniCommand.CHECK, plugin, config, environment(CniCommand.CHECK, attachment));
        }
    }

    /**
     * DEL: runs all plugins in reverse order and stops at the first that fails.
     *
     * @param prevResult what ADD ended with, if that is known; lists older than 0.4.0 do not pass it on
     */
    public void del(NetworkConfigList list, AttachmentParameters attachment, Optional<CniResult> prevResult) {
        requireValid(list, attachment);
        Optional<CniResult> passed =
                prevResult.filter(ignored -> list.specVersion().atLeast(SpecVersion.V0_4_0));
        for (Plugin plugin : list.plugins().reversed()) {
            ObjectNode config = config(list, plugin, passed, attachment);
            call(CniCommand.DEL, plugin, config, environment(CniCommand.DEL, attachment));
        }
    }

    /**
     * GC: runs all plugins, also after one has failed. Does nothing if the list disables GC or is older than 1.1.0,
     * which brought it.
     *
     * @param valid the attachments that are still in use
     */
    public void gc(NetworkConfigList list, Collection<Attachment> valid) {
        if (list.disableGc() || !list.specVersion().atLeast(CniCommand.GC.since())) {
            return;
        }
        List<CniException> failures = new ArrayList<>();
        for (Plugin plugin : list.plugins()) {
            ObjectNode config = named(list, plugin);
            config.set("cni.dev/valid-attachments", attachments(valid));
            config.set("cni.dev/attachments", attachments(valid));
            try {
                call(CniCommand.GC, plugin, config, environment(CniCommand.GC));
            } catch (CniException e) {
                failures.add(e);
            }
        }
        if (!failures.isEmpty()) {
            CniException first = failures.getFirst();
            failures.stream().skip(1).forEach(first::addSuppressed);
            throw first;
        }
    }

    /** STATUS: runs all plugins until one fails. Does nothing if the list is older than 1.1.0, which brought it. */
    public void status(NetworkConfigList list) {
        if (!list.specVersion().atLeast(CniCommand.STATUS.since())) {
            return;
        }
        for (Plugin plugin : list.plugins()) {
            call(CniCommand.STATUS, plugin, named(list, plugin), environment(CniCommand.STATUS));
        }
    }

    /** VERSION: asks every plugin of the list, by type. */
    public Map<String, VersionInfo> version(NetworkConfigList list) {
        Map<String, VersionInfo> versions = new LinkedHashMap<>();
        for (Plugin plugin : list.plugins()) {
            ObjectNode config =
                    CniJson.newObject().put("cniVersion", SpecVersion.latest().text());
            versions.put(plugin.type(), versionOf(plugin, config));
        }
        return versions;
    }

    private VersionInfo versionOf(Plugin plugin, ObjectNode config) {
        try {
            // libcni sends these three as well: plugins of 0.1.0 check them before the command.
            AttachmentParameters dummy = AttachmentParameters.of("dummy", "dummy", "dummy");
            return call(CniCommand.VERSION, plugin, config, environment(CniCommand.VERSION, dummy))
                    .map(VersionInfo::parse)
                    .orElseThrow(() -> new CniException(
                            ErrorCode.DECODING_FAILURE, describe(plugin) + " printed nothing (VERSION)", ""));
        } catch (CniException e) {
            if (e.getMessage().contains("unknown CNI_COMMAND: VERSION")) {
                return VersionInfo.ofLegacyPlugin();
            }
            throw e;
        }
    }

    private Optional<ObjectNode> call(
            CniCommand command, Plugin plugin, ObjectNode config, Map<String, String> environment) {
        try {
            return process.run(path.find(plugin.type()), CniJson.bytes(config), environment);
        } catch (CniException e) {
            throw new CniException(
                    e.code(), describe(plugin) + " failed (" + command + "): " + e.getMessage(), e.details(), e);
        }
    }

    private static ObjectNode config(
            NetworkConfigList list, Plugin plugin, Optional<CniResult> prevResult, AttachmentParameters attachment) {
        ObjectNode config = named(list, plugin);
        prevResult.ifPresent(result -> config.set("prevResult", result.toJson(list.specVersion())));
        ObjectNode runtimeConfig = CniJson.newObject();
        attachment.capabilityArgs().forEach((capability, parameters) -> {
            if (plugin.capabilities().getOrDefault(capability, false)) {
                runtimeConfig.set(capability, parameters);
            }
        });
        if (!runtimeConfig.isEmpty()) {
            config.set("runtimeConfig", runtimeConfig);
        }
        return config;
    }

    private static ObjectNode named(NetworkConfigList list, Plugin plugin) {
        return plugin.json()
                .put("name", list.name())
                .put("cniVersion", list.specVersion().text());
    }

    private static ArrayNode attachments(Collection<Attachment> attachments) {
        ArrayNode array = CniJson.newObject().arrayNode();
        attachments.forEach(attachment ->
                array.addObject().put("containerID", attachment.containerId()).put("ifname", attachment.ifName()));
        return array;
    }

    private Map<String, String> environment(CniCommand command, AttachmentParameters attachment) {
        Map<String, String> environment = environment(command);
        environment.put("CNI_CONTAINERID", attachment.containerId());
        environment.put("CNI_NETNS", attachment.netns());
        environment.put("CNI_IFNAME", attachment.ifName());
        environment.put("CNI_ARGS", attachment.args());
        return environment;
    }

    private Map<String, String> environment(CniCommand command) {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("CNI_COMMAND", command.name());
        environment.put("CNI_PATH", path.toString());
        return environment;
    }

    private static void requireValid(NetworkConfigList list, AttachmentParameters attachment) {
        Objects.requireNonNull(attachment, "attachment is null");
        if (!CniEnvironment.isIdentifier(list.name())) {
            throw new CniException(
                    ErrorCode.INVALID_NETWORK_CONFIG, "invalid network name " + Quote.of(list.name()), "");
        }
        if (!CniEnvironment.isIdentifier(attachment.containerId())) {
            throw new CniException(
                    ErrorCode.INVALID_ENVIRONMENT, "invalid container ID " + Quote.of(attachment.containerId()), "");
        }
        CniEnvironment.interfaceNameFault(attachment.ifName()).ifPresent(why -> {
            throw new CniException(
                    ErrorCode.INVALID_ENVIRONMENT,
                    "invalid interface name " + Quote.of(attachment.ifName()) + ": " + why,
                    "");
        });
    }

    private static String describe(Plugin plugin) {
        return "plugin " + plugin.type();
    }
}
