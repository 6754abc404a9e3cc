/**
 * Files of a host that other programs read and write at the same time: atomic changes in steps, of which any may be the
 * last, compare and exchange, and watching a directory.
 */
module dev.meshcni.files {
    requires dev.meshcni.host.linux;
    requires org.slf4j;

    exports dev.meshcni.files;
}
