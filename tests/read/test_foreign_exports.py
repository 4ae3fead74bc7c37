# ruff: noqa: E501 -- rows as they come
"""The shapes in which police and 311 systems of other countries publish, a few rows each, made up."""

import pandas as pd
import pytest

from gridmap.read.incidents import read_incidents

EXPORTS = {
    "Los Angeles": (
        "DR_NO,Date Rptd,DATE OCC,TIME OCC,AREA NAME,Crm Cd Desc,Vict Age,Vict Sex,LOCATION,LAT,LON\n"
        "190326475,03/01/2020 12:00:00 AM,03/01/2020 12:00:00 AM,2130,Wilshire,VEHICLE - STOLEN,0,M,1900 S LONGWOOD,34.0375,-118.3506\n"
        "200106753,02/09/2020 12:00:00 AM,02/18/2020 12:00:00 AM,0005,Central,BURGLARY,47,M,1000 S FLOWER,34.0444,-118.2628\n"
        "200106754,02/09/2020 12:00:00 AM,02/28/2020 12:00:00 AM,1800,Central,BURGLARY,47,M,1000 S FLOWER,0,0\n",
        {"date_order": "mdy"}, "2020-03-01 21:30", "VEHICLE - STOLEN", {"Vict Age", "Vict Sex"}, ["zero_coordinates"],
    ),
    "New York 311": (
        "Unique Key,Created Date,Closed Date,Agency Name,Complaint Type,Incident Address,X Coordinate (State Plane),"
        "Y Coordinate (State Plane),Latitude,Longitude,Location\n"
        '59893776,01/15/2024 11:59:45 PM,01/16/2024 01:12:00 AM,NYPD,Noise,1 MAIN ST,1000000,200000,40.71,-73.99,"(40.71, -73.99)"\n'
        "59893777,01/16/2024 12:05:00 AM,,NYPD,Noise,2 MAIN ST,,,,,\n",
        {}, "2024-01-15 23:59:45", "Noise", set(), ["no_coordinates"],
    ),
    "New York police": (
        "CMPLNT_NUM,CMPLNT_FR_DT,CMPLNT_FR_TM,CMPLNT_TO_DT,OFNS_DESC,SUSP_RACE,VIC_SEX,Latitude,Longitude\n"
        "1,12/31/2023,23:30:00,,ROBBERY,X,M,40.8,-73.9\n",
        {}, "2023-12-31 23:30", "ROBBERY", {"SUSP_RACE", "VIC_SEX"}, [],
    ),
    "Boston": (
        "INCIDENT_NUMBER,OFFENSE_DESCRIPTION,OCCURRED_ON_DATE,STREET,Lat,Long,Location\n"
        'I1,VANDALISM,2022-01-31 00:15:00,ELM ST,42.3,-71.1,"(42.3, -71.1)"\n'
        'I2,VANDALISM,2022-01-31 00:15:00,ELM ST,-1,-1,"(-1, -1)"\n',
        {}, "2022-01-31 00:15", "VANDALISM", set(), ["zero_coordinates"],
    ),
    "Toronto": (
        "OBJECTID,EVENT_UNIQUE_ID,OCC_DATE,OFFENCE,LONG_WGS84,LAT_WGS84,x,y\n"
        "1,GO-1,2023/01/05 05:00:00+00,Assault,-79.4,43.7,-8838000,5410000\n",
        {}, "2023-01-05 05:00", "Assault", set(), [],
    ),
    "Mexico City": (
        "fecha_hecho;hora_hecho;delito;latitud;longitud\n2023-05-04;14:20:00;ROBO;19,43;-99,13\n",
        {}, "2023-05-04 14:20", "ROBO", set(), [],
    ),
    "São Paulo": (
        "NUM_BO;DATA_OCORRENCIA;HORA_OCORRENCIA;NATUREZA_APURADA;LATITUDE;LONGITUDE\n1;25/12/2023;22:10:00;FURTO;-23,55;-46,63\n",
        {}, "2023-12-25 22:10", "FURTO", set(), [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", EXPORTS)
def test_export(tmp_path, place):
    text, options, when, what, dropped, aside = EXPORTS[place]
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8")
    incidents = read_incidents(path, **options)
    first = incidents.to_frame().iloc[0]
    assert first["occurred_from"] == pd.Timestamp(when)
    assert first["category"] == what
    assert set(incidents.source["dropped"]) == dropped
    assert incidents.set_aside["reason"].tolist() == aside
