// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniCommand;
import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A plugin that another plugin runs as part of its own work, most often the one that assigns addresses (CNI
 * specification 1.1, section 4, "Plugin Delegation"). It is looked for in the {@code CNI_PATH} of the call, and gets
 * the call's parameters, the environment of this process and the whole configuration, or one that is made for it.
 *
 * <p>A failure is a {@link CniException} with the delegate's code and details, to be passed on to the runtime; its
 * message names the delegate.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class PluginDelegate {
    /** As long as the kubelet waits for a sandbox, by default. */
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private final CniRequest request;
    private final String type;
    private final ObjectNode config;
    private final Duration timeout;

    private PluginDelegate(CniRequest request, String type, ObjectNode config, Duration timeout) {
        this.request = request;
        this.type = type;
        this.config = config;
        this.timeout = timeout;
    }

    /**
     * The plugin of a type, with the configuration of the call.
     *
     * @param request the call of the plugin that delegates
     * @param type the name of the delegate's binary
     */
    public static PluginDelegate of(CniRequest request, String type) {
        return new PluginDelegate(
                requireNonNull(request, "request is null"),
                requireNonNull(type, "type is null"),
                request.config().json(),
                TIMEOUT);
    }

    /**
     * The plugin that the {@code ipam} of the configuration names.
     *
     * @throws CniException with {@link ErrorCode#INVALID_NETWORK_CONFIG} if it names none
     */
    public static PluginDelegate ipam(CniRequest request) {
        return of(
                request,
                request.config()
                        .ipamType()
                        .filter(type -> !type.isEmpty())
                        .orElseThrow(() -> new CniException(
                                ErrorCode.INVALID_NETWORK_CONFIG,
                                "missing field ipam.type",
                                "plugin " + request.config().type() + " gets its addresses from another plugin")));
    }

    /** The same delegate with a configuration of its own; name and version of the network are added if they miss. */
    public PluginDelegate withConfig(ObjectNode other) {
        ObjectNode complete = other.deepCopy();
        if (!complete.has("cniVersion")) {
            complete.put("cniVersion", version().text());
        }
        if (!complete.has("name")) {
            complete.put("name", request.config().name());
        }
        return new PluginDelegate(request, type, complete, timeout);
    }

    /** The same delegate with another time for one call, after which it is killed; without this, two minutes. */
    public PluginDelegate withTimeout(Duration longest) {
        return new PluginDelegate(request, type, config, requireNonNull(longest, "longest is null"));
    }

    /** ADD. What it did stays when the caller's own work fails later: see {@link #addThen}. */
    public CniResult add() {
        ObjectNode printed = run(CniCommand.ADD)
                .orElseThrow(() -> new CniException(
                        ErrorCode.DECODING_FAILURE, "plugin " + type + " succeeded without a result (ADD)", ""));
        return CniResult.parse(printed, version());
    }

    /**
     * ADD, and then what the caller does with its result. If that fails, the delegate's DEL takes its part back, as the
     * specification demands; a failure of DEL is suppressed in that of the caller's work.
     *
     * @param rest makes the caller's result from that of the delegate
     * @return the caller's result
     */
    public CniResult addThen(UnaryOperator<CniResult> rest) {
        CniResult added = add();
        try {
            return rest.apply(added);
        } catch (RuntimeException e) {
            try {
                del();
            } catch (CniException undo) {
                e.addSuppressed(undo);
            }
            throw e;
        }
    }

    /** CHECK. */
    public void check() {
        run(CniCommand.CHECK);
    }

    /** DEL. */
    public void del() {
        run(CniCommand.DEL);
    }

    /** GC. */
    public void gc() {
        run(CniCommand.GC);
    }

    /** STATUS. */
    public void status() {
        run(CniCommand.STATUS);
    }

    private Optional<ObjectNode> run(CniCommand command) {
        try {
            PluginPath path = new PluginPath(
                    request.environment().path().stream().map(Path::of).toList());
            return new PluginProcess(inherited(), timeout)
                    .run(path.find(type), CniJson.bytes(config), parameters(command, path));
        } catch (CniException e) {
            throw new CniException(
                    e.code(),
                    "delegated plugin " + type + " failed (" + command + "): " + e.getMessage(),
                    e.details(),
                    e);
        }
    }

    private SpecVersion version() {
        return request.config().cniVersion();
    }

    private static Map<String, String> inherited() {
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.keySet().removeIf(name -> name.startsWith("CNI_"));
        return environment;
    }

    private Map<String, String> parameters(CniCommand command, PluginPath path) {
        CniEnvironment call = request.environment();
        Map<String, String> parameters = new HashMap<>();
        parameters.put("CNI_COMMAND", command.name());
        parameters.put("CNI_PATH", path.toString());
        put(parameters, "CNI_CONTAINERID", call.containerId());
        put(parameters, "CNI_NETNS", call.netns());
        put(parameters, "CNI_IFNAME", call.ifName());
        put(parameters, "CNI_ARGS", call.args().toString());
        return parameters;
    }

    private static void put(Map<String, String> parameters, String name, String value) {
        if (!value.isEmpty()) {
            parameters.put(name, value);
        }
    }
}
