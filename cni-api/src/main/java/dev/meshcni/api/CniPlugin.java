// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/**
 * A CNI plugin: what it does for each verb. {@link #run} makes a program of it, as libcni's {@code skel} does in Go: it
 * reads the call, checks it, answers VERSION, and turns whatever is thrown into the error object of the specification.
 *
 * <pre>{@code
 * public static void main(String[] args) {
 *     CniPlugin.run(new MyPlugin());
 * }
 * }</pre>
 *
 * <p>A verb fails by throwing. A {@link CniException} has its own code; an {@link java.io.IOException} becomes
 * {@link ErrorCode#IO_FAILURE}, anything else {@link ErrorCode#INTERNAL}, with its stack trace on standard error.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public interface CniPlugin {
    /**
     * ADD: attaches a container to the network (CNI specification 1.1, section 2, "ADD").
     *
     * @return what was created, and, in a chain, what {@link PluginConfig#prevResult} said
     */
    CniResult add(CniRequest request) throws Exception;

    /**
     * DEL: takes back what {@link #add} did. Succeeds where there is nothing to take back; the network namespace may be
     * gone.
     */
    void del(CniRequest request) throws Exception;

    /** CHECK: fails if the container is not attached as {@link PluginConfig#prevResult} says. Without this, it is. */
    default void check(CniRequest request) throws Exception {}

    /**
     * GC: takes back all attachments but {@link PluginConfig#validAttachments}. Without this, nothing is to be done.
     */
    default void gc(CniRequest request) throws Exception {}

    /**
     * STATUS: fails if ADD could not be served now, with {@link ErrorCode#PLUGIN_NOT_AVAILABLE} or
     * {@link ErrorCode#LIMITED_CONNECTIVITY}. Without this, it could.
     */
    default void status(CniRequest request) throws Exception {}

    /** The versions of the specification that the plugin supports. Without this, all. */
    default List<SpecVersion> versions() {
        return SpecVersion.all();
    }

    /** One line about the plugin, for whoever starts it by hand, without {@code CNI_COMMAND}; may be empty. */
    default String about() {
        return "";
    }

    /**
     * Serves the call that this process was started for, and ends it: with code 0 if the verb succeeded, else 1.
     * {@link System#out} leads to standard error from here on, so that nothing but the answer is on standard output.
     */
    static void run(CniPlugin plugin) {
        PrintStream answers = System.out;
        System.setOut(System.err);
        System.exit(run(plugin, System.getenv(), System.in, answers));
    }

    /**
     * Serves one call.
     *
     * @param environment the variables of the call
     * @param stdin its configuration
     * @param stdout takes the answer
     * @return the exit code
     */
    static int run(CniPlugin plugin, Map<String, String> environment, InputStream stdin, PrintStream stdout) {
        return new PluginCall(plugin, environment, stdin, stdout).serve();
    }
}
