// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The parameters that a runtime passes to a plugin in environment variables (CNI specification 1.1, section 2,
 * "Parameters"). A value that is absent, or that the command gives no meaning to, is empty.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param command {@code CNI_COMMAND}
 * @param containerId {@code CNI_CONTAINERID}
 * @param netns {@code CNI_NETNS}, an absolute path as the runtime sees it; DEL may have none
 * @param ifName {@code CNI_IFNAME}
 * @param args {@code CNI_ARGS}
 * @param path {@code CNI_PATH}, the directories of plugins
 * @since 0.1.0
 */
public record CniEnvironment(
        CniCommand command, String containerId, String netns, String ifName, CniArgs args, List<String> path) {
    /** The longest name of a network interface, in bytes. */
    public static final int MAX_INTERFACE_NAME = 15;

    private static final String COMMAND = "CNI_COMMAND";
    private static final String CONTAINER_ID = "CNI_CONTAINERID";
    private static final String NETNS = "CNI_NETNS";
    private static final String IF_NAME = "CNI_IFNAME";
    private static final String ARGS = "CNI_ARGS";
    private static final String PATH = "CNI_PATH";

    public CniEnvironment {
        Objects.requireNonNull(command, "command is null");
        Objects.requireNonNull(containerId, "containerId is null");
        Objects.requireNonNull(netns, "netns is null");
        Objects.requireNonNull(ifName, "ifName is null");
        Objects.requireNonNull(args, "args is null");
        path = List.copyOf(path);
    }

    /**
     * Reads and validates the variables that the command needs. ADD and CHECK need container, netns and interface; DEL
     * the same without netns; GC the plugin path; STATUS and VERSION nothing more. GC, STATUS and VERSION are about no
     * container, so its other variables are ignored (podman sends {@code CNI_NETNS=dummy} with VERSION). DEL takes what
     * it can understand of {@code CNI_ARGS} and {@code CNI_PATH}, and passes over the rest.
     *
     * @throws CniException with {@link ErrorCode#INVALID_ENVIRONMENT}, naming all variables that are missing, or all
     *     that are invalid
     */
    public static CniEnvironment parse(Map<String, String> env) {
        String commandText = env.getOrDefault(COMMAND, "");
        if (commandText.isEmpty()) {
            throw missing(List.of(COMMAND));
        }
        CniCommand command = CniCommand.of(commandText)
                .orElseThrow(() -> new CniException(
                        ErrorCode.INVALID_ENVIRONMENT,
                        "unknown CNI_COMMAND: " + Quote.of(commandText),
                        "supported: " + Arrays.toString(CniCommand.values())));
        List<String> missing = new ArrayList<>(required(command));
        missing.removeIf(name -> !env.getOrDefault(name, "").isEmpty());
        if (!missing.isEmpty()) {
            throw missing(missing);
        }
        return switch (command) {
            case ADD, CHECK, DEL -> ofContainer(command, env);
            case GC, STATUS, VERSION -> new CniEnvironment(command, "", "", "", CniArgs.NONE, path(env));
        };
    }

    /** Returns whether a text is a container ID or a network name as the specification has them. */
    public static boolean isIdentifier(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!alphanumeric && (i == 0 || "_.-".indexOf(c) < 0)) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    /** Returns the reason why a text is not a valid network interface name; empty if it is valid. */
    public static Optional<String> interfaceNameFault(String name) {
        if (name.isEmpty() || name.equals(".") || name.equals("..")) {
            return Optional.of("not a valid name");
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_INTERFACE_NAME) {
            return Optional.of("longer than " + MAX_INTERFACE_NAME + " bytes");
        }
        boolean forbidden = false;
        for (int at = 0; at < name.length(); at += Character.charCount(name.codePointAt(at))) {
            int c = name.codePointAt(at);
            forbidden |= c == '/' || c == ':' || Characters.isSpace(c) || Characters.isControl(c);
        }
        return forbidden ? Optional.of("'/', ':', blanks and control characters are not allowed") : Optional.empty();
    }

    private static List<String> required(CniCommand command) {
        return switch (command) {
            case ADD, CHECK -> List.of(CONTAINER_ID, NETNS, IF_NAME);
            case DEL -> List.of(CONTAINER_ID, IF_NAME);
            case GC -> List.of(PATH);
            case STATUS, VERSION -> List.of();
        };
    }

    private static CniEnvironment ofContainer(CniCommand command, Map<String, String> env) {
        String containerId = env.get(CONTAINER_ID);
        String netns = env.getOrDefault(NETNS, "");
        String ifName = env.get(IF_NAME);
        List<String> faults = new ArrayList<>();
        if (!isIdentifier(containerId)) {
            faults.add(CONTAINER_ID + " " + Quote.of(containerId)
                    + ": a letter or digit, then letters, digits, '_', '.' and '-'");
        }
        if (!netns.isEmpty() && (netns.charAt(0) != '/' || netns.indexOf('\0') >= 0)) {
            faults.add(NETNS + " " + Quote.of(netns) + ": expected an absolute path");
        }
        interfaceNameFault(ifName).ifPresent(why -> faults.add(IF_NAME + " " + Quote.of(ifName) + ": " + why));
        if (!faults.isEmpty()) {
            throw new CniException(ErrorCode.INVALID_ENVIRONMENT, "invalid " + String.join("; invalid ", faults), "");
        }
        String args = env.getOrDefault(ARGS, "");
        if (command == CniCommand.DEL) {
            // A runtime that cannot delete is stuck with the container.
            return new CniEnvironment(
                    command, containerId, netns, ifName, CniArgs.parseLeniently(args), usablePath(env));
        }
        return new CniEnvironment(command, containerId, netns, ifName, CniArgs.parse(args), path(env));
    }

    private static List<String> path(Map<String, String> env) {
        String text = env.getOrDefault(PATH, "");
        if (text.indexOf('\0') >= 0) {
            throw new CniException(ErrorCode.INVALID_ENVIRONMENT, "invalid " + PATH + " " + Quote.of(text), "");
        }
        List<String> directories = Split.at(':', text);
        directories.removeIf(String::isEmpty);
        return directories;
    }

    private static List<String> usablePath(Map<String, String> env) {
        List<String> directories = Split.at(':', env.getOrDefault(PATH, ""));
        directories.removeIf(directory -> directory.isEmpty() || directory.indexOf('\0') >= 0);
        return directories;
    }

    private static CniException missing(List<String> names) {
        return new CniException(
                ErrorCode.INVALID_ENVIRONMENT,
                "required environment variables missing: " + String.join(", ", names),
                "");
    }
}
