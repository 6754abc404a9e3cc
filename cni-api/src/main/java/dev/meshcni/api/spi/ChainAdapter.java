// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.spi;

import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirFindings;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import java.util.List;

/**
 * The adapter for running chained behind, or beside, one base CNI.
 *
 * <p>A provider is found through {@link java.util.ServiceLoader}: its module says {@code provides ChainAdapter with
 * ...}, and the provider has a public constructor without parameters. All methods are pure functions of their
 * arguments: a snapshot goes in, edits or words come out. They never throw for what they find in a directory or a
 * result, and may be called by many threads at once. {@code ChainAdapterContract}, in the artifact of this module with
 * the classifier {@code contract}, tests all of this.
 *
 * <p>Most adapters need {@link #name}, {@link #detect} and {@link #violations}; the defaults do the rest for a base CNI
 * that our plugin is chained behind.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public interface ChainAdapter {
    /** The base CNI that this adapter answers for, such as {@code ptp}: lower-case letters, digits and hyphens. */
    String name();

    /** Returns whether this adapter answers for a directory. */
    Detection detect(ConfDirSnapshot dir, InstallSettings settings);

    /**
     * The edits that install our plugin. Carried out, they make it the last plugin of the base CNI's list, once, and
     * leave every other byte as it was; a file that cannot be parsed is not modified. When our plugin is installed
     * correctly there is nothing to edit.
     */
    default InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
        return ChainedConf.install(dir, settings);
    }

    /**
     * The edits that remove our plugin from every file. After {@link #install} they restore the directory byte for
     * byte.
     */
    default List<FileEdit> uninstall(ConfDirSnapshot dir, InstallSettings settings) {
        return ChainedConf.uninstall(dir, settings);
    }

    /**
     * Returns violations of what the base CNI guarantees, in words; empty if there are none. ADD fails with anything
     * that is named here, so an adapter names only what it is certain of.
     */
    default List<String> violations(AttachmentContext attachment) {
        return attachment.hasAddress() ? List.of() : List.of("the plugins before this one reported no address");
    }

    /** Findings for the operator: incompatible settings, each with a remedy. */
    default List<Finding> findings(ConfDirSnapshot dir, InstallSettings settings) {
        return ConfDirFindings.of(dir, settings);
    }
}
