"""How others write surveys down: ways in and ways out."""

from ghostcat.formats.camtrap_dp_reader import read_camtrap_dp
from ghostcat.formats.camtrap_dp_writer import write_camtrap_dp
from ghostcat.formats.camtrapr_writer import write_camtrapr
from ghostcat.formats.csv_writer import write_csv
from ghostcat.formats.detections_reader import read_detections
from ghostcat.formats.folder_reader import read_folder
from ghostcat.formats.genotypes_reader import ReadGenotypes, read_genotypes
from ghostcat.formats.genotypes_writer import write_genotypes
from ghostcat.formats.geopackage_writer import DensityCells, write_geopackage
from ghostcat.formats.reader import Reader
from ghostcat.formats.registry import installed_readers, read_evidence
from ghostcat.formats.secr_reader import SecrTables, read_secr
from ghostcat.formats.secr_writer import write_secr

__all__ = [
    "DensityCells",
    "ReadGenotypes",
    "Reader",
    "SecrTables",
    "installed_readers",
    "read_camtrap_dp",
    "read_detections",
    "read_evidence",
    "read_folder",
    "read_genotypes",
    "read_secr",
    "write_camtrap_dp",
    "write_camtrapr",
    "write_csv",
    "write_genotypes",
    "write_geopackage",
    "write_secr",
]
