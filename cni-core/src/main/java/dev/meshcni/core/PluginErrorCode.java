// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

/** Error codes of this plugin's own (CNI specification 1.1, section 5: 100 and above). */
public final class PluginErrorCode {
    /** An annotation or variable of the pod is invalid. */
    public static final int INVALID_POD = 100;
    /** The redirection could not be set up; nothing of it is left in the namespace. */
    public static final int REDIRECT_FAILED = 101;
    /** CHECK found that the namespace is not as ADD left it. */
    public static final int NOT_AS_ADDED = 102;
    /** {@code prevResult} does not hold what the base CNI promises. */
    public static final int INVALID_PREV_RESULT = 103;
    /** A fault of the plugin's own. */
    public static final int INTERNAL = 199;

    private PluginErrorCode() {}
}
